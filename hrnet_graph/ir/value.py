"""What rules pass around: the result of an operation, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hrnet_graph.errors import RuleError
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
        return Fraction(FAR, self.far.size[0])

    @property
    def channels(self) -> int:
        """C of a feature map, F of a feature vector."""
        return self.type.channels
