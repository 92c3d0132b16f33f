"""The type of a value in the graph: the shape of one sample."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TensorType:
    """The shape of one sample, of any rank and without the batch: a feature map is (C, H, W)."""

    shape: tuple[int, ...]

    @property
    def channels(self) -> int:
        """The first dimension: C of a feature map, F of a feature vector."""
        return self.shape[0]

    @property
    def size(self) -> tuple[int, ...]:
        """What follows the channels: (H, W) of a feature map, () of a feature vector."""
        return self.shape[1:]

    @property
    def elements(self) -> int:
        """How many numbers one sample holds."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        return times(self.shape)


FAR = 2**40
"""The side of the image on which strides are read, in pixels: a multiple of every stride."""

Operands = tuple[TensorType, ...]
"""The types of what an op reads, in order."""


def times(shape: tuple[int, ...]) -> str:
    """(64, 56, 56) -> `64x56x56`."""
    return "x".join(str(extent) for extent in shape)
