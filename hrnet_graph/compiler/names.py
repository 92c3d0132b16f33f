"""The names of a file's values, each given once."""

from __future__ import annotations

from collections.abc import Iterable


class Names:
    """The names that are taken."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def take(self, name: str) -> str:
        """The name, or the first of `name_1`, `name_2`, ... where it is taken; taken from now."""
        free, count = name, 0
        while free in self._taken:
            count += 1
            free = f"{name}_{count}"
        self._taken.add(free)
        return free
