"""How far a network is the one before it: what both have in common is written once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

State = TypeVar("State")


class Trail(Generic[State]):
    """What the last network had come to after each of its steps."""

    def __init__(self) -> None:
        self._steps: list[tuple[Hashable, State]] = []

    def follow(self, said: Sequence[Hashable], holds: Callable[[State], bool]) -> list[State]:
        """What the steps came to that a network has in common with the last one, whose others are
        forgotten. `said` says of each step what it is made of besides those before it, `holds`
        whether what it came to is still so.
        """
        found: list[State] = []
        for wanted, (known, state) in zip(said, self._steps, strict=False):
            if wanted != known or not holds(state):
                break
            found.append(state)
        del self._steps[len(found) :]
        return found

    def add(self, said: Hashable, state: State) -> None:
        """One more step, and what the network has come to."""
        self._steps.append((said, state))
