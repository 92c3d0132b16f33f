"""What rules pass around: the result of an operation, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hrnet_graph.errors import RuleError
from hrnet_graph.ir.ops.base import Op
from hrnet_graph.ir.ops.page import infer
from hrnet_graph.ir.types import FAR, Operands, TensorType


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
        return Fraction(FAR, self.far.size[0])

    @property
    def channels(self) -> int:
        """C of a feature map, F of a feature vector."""
        return self.type.channels


Far = TensorType | None
"""The type of a result for an image that is far larger, if it has one."""


class Inference:
    """The types of results, of which one is kept for all that are equal."""

    def __init__(self) -> None:
        self._shared: dict[tuple[Op, Operands, tuple[Far, ...]], tuple[Op, TensorType, Far]] = {}

    def of(self, op: Op, types: Operands, fars: tuple[Far, ...]) -> tuple[Op, TensorType, Far]:
        """An op, and its result's type for this image and for one that is far larger.

        Raises `ShapeError` if there is nothing left of it.
        """
        known = op, types, fars
        found = self._shared.get(known)
        if found is None:
            found = self._shared[known] = op, infer(op, types), _far(op, fars)
        return found


def _far(op: Op, types: tuple[Far, ...]) -> Far:
    known = tuple([kind for kind in types if kind is not None])
    try:
        return infer(op, known) if 0 < len(known) == len(types) else None
    except Exception:  # of an op that takes one size alone, or is anybody's code
        return None
