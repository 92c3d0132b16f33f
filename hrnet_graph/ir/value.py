"""What rules pass around: the result of an operation, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from hrnet_graph.errors import RuleError
from hrnet_graph.ir.ops.base import Op
from hrnet_graph.ir.ops.page import infer
from hrnet_graph.ir.types import FAR, TensorType


@dataclass(frozen=True, slots=True)
class Value:
    """The result of a node, as rules pass it around.

    far: its type for an image so large that strides can be read of it, where it has one
    pending: whether who reads it activates it first; convolutions and linear layers do by
        themselves, and what only adds, resizes or moves numbers hands on what is pending
    """

    path: str
    type: TensorType
    far: TensorType | None = None
    pending: bool = False

    @property
    def stride(self) -> Fraction:
        """The pixels of the image from one cell of a map to the next.

        Raises `RuleError` for what has as many cells for every image.
        """
        if self.far is None or len(self.far.shape) != 3:
            raise RuleError(f"{self.type} has no stride")
        return _stride(self.far.shape[1])

    @property
    def channels(self) -> int:
        """C of a feature map, F of a feature vector."""
        return self.type.channels


@lru_cache(1024)
def _stride(height: int) -> Fraction:
    """The stride of a map that has so many rows for the far larger image."""
    return Fraction(FAR, height)


Shape = tuple[int, ...]

Operand = tuple[Shape, Shape | None]
"""The shape of what an op reads, for this image and for one that is far larger, if it has one."""


class Inference:
    """The types of results, of which one is kept for all that are equal."""

    def __init__(self) -> None:
        self._shared: dict[tuple[object, ...], tuple[Op, TensorType, TensorType | None]] = {}

    def of(self, op: Op, operands: Sequence[Operand]) -> tuple[Op, TensorType, TensorType | None]:
        """An op, and its result's type for this image and for one that is far larger.

        Raises `ShapeError` if there is nothing left of it.
        """
        known = op, *operands
        found = self._shared.get(known)
        if found is None:
            types = tuple([TensorType(shape) for shape, _ in operands])
            found = self._shared[known] = op, infer(op, types), _far(op, operands)
        return found


def _far(op: Op, operands: Sequence[Operand]) -> TensorType | None:
    types = tuple([TensorType(far) for _, far in operands if far is not None])
    try:
        return infer(op, types) if 0 < len(types) == len(operands) else None
    except Exception:  # of an op that takes one size alone, or is anybody's code
        return None
