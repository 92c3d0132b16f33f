"""Which weights of a network are as they were drawn at random, in the words of files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hrnet_graph.spec.weights_file import read_about

SHOWN = 3
"""How many keys of random weights are named to people."""


@dataclass(frozen=True)
class RandomWeights:
    """The keys of those weights that nobody has loaded or trained; all of them where none is given.

    As text, it is what files say: `random (seed 5): final_layer.weight final_layer.bias`. The seed
    is None where the weights were not the first that were drawn with it.
    """

    keys: tuple[str, ...] = ()
    seed: int | None = None

    def __str__(self) -> str:
        return self._head + (f": {' '.join(self.keys)}" if self.keys else "")

    @property
    def _head(self) -> str:
        return "random" if self.seed is None else f"random (seed {self.seed})"

    @property
    def summary(self) -> str:
        """The same for people: how many weights, and the first of them by name."""
        if not self.keys:
            return self._head
        more = ", ..." if len(self.keys) > SHOWN else ""
        return f"{len(self.keys)} {self._head}: {', '.join(self.keys[:SHOWN])}{more}"

    def among(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Those of some keys whose weights are random."""
        known = set(self.keys)
        return tuple(key for key in keys if not known or key in known)


def read_random(text: object) -> RandomWeights | None:
    """What a file says of its weights; None where it does not say that any is random."""
    match = re.fullmatch(r"random(?: \(seed (\d{1,20})\))?(?:: (.+))?", str(text or ""))
    if match is None:
        return None
    return RandomWeights(tuple((match[2] or "").split()), int(match[1]) if match[1] else None)


def random_in(path: str | Path) -> RandomWeights | None:
    """Which weights a file says to be random. Raises `FileError` if there is no such file."""
    return read_random(read_about(path).get("weights"))
