"""The shapes of weights under published names, from which numbers of a network are read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from hrnet_graph.errors import FileError, quoted

Shape = tuple[int, ...]


class Shapes:
    """Published key -> shape, asked for extents and for how many parts there are in a row."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self.by_key = shapes

    def __contains__(self, key: str) -> bool:
        return key in self.by_key

    def of(self, key: str) -> Shape:
        """The shape of a convolution's or a linear layer's weight.

        Raises `FileError` if there is none.
        """
        found = self.by_key.get(key, ())
        if len(found) < 2:
            raise FileError(f"{quoted(key, 80)} is missing, or no weight of such a layer")
        return found

    def outputs(self, key: str) -> int:
        """The output channels of a layer. Raises `FileError` if it is not there."""
        return self.of(key)[0]

    def count(self, prefix: str) -> int:
        """How many numbered parts stand behind a prefix, which ends with a dot or is empty."""
        return len(self._parts.get(prefix, ()))

    @cached_property
    def _parts(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for key in self.by_key:
            parts = key.split(".")
            for i, part in enumerate(parts):
                if part.isdigit():
                    found.setdefault("".join(f"{each}." for each in parts[:i]), set()).add(part)
        return found
