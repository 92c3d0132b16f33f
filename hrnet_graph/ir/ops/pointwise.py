"""Elementwise arithmetic over several operands."""

from __future__ import annotations

from dataclasses import dataclass

from hrnet_graph.errors import ShapeError, SizeError
from hrnet_graph.ir.ops.base import Layer, Op, Operands, Saved, single
from hrnet_graph.ir.types import TensorType, times


@dataclass(frozen=True)
class Sum(Op):
    """The sum of its operands, added from left to right.

    x0, x1, ...: (C, H, W) -> (C, H, W)
    """

    family = "pointwise"

    def infer(self, x: Operands) -> TensorType:
        if len(x) < 2:
            raise ShapeError(f"sum takes two operands or more, got {len(x)}")
        first = x[0]
        for other in x[1:]:
            if other.shape == first.shape:
                continue
            if other.channels == first.channels:
                raise SizeError(f"adds {times(other.size)} to {times(first.size)}")
            raise ShapeError(f"adds {other.channels} channels to {first.channels}")
        return first

    def operations(self, x: Operands, y: TensorType) -> int:
        """One addition an element for every operand after the first."""
        return (len(x) - 1) * y.elements

    def layer(self, x: Operands) -> Layer:
        return Layer("Sum")

    def label(self) -> str:
        return "sum"


@dataclass(frozen=True)
class Concat(Op):
    """The operands' channels, one after another.

    x0, x1, ...: (C_i, H, W) -> (sum of C_i, H, W)
    """

    family = "pointwise"

    def infer(self, x: Operands) -> TensorType:
        if len(x) < 2:
            raise ShapeError(f"concat takes two operands or more, got {len(x)}")
        for other in x[1:]:
            if other.size != x[0].size:
                raise SizeError(f"sets {times(other.size)} beside {times(x[0].size)}")
        return TensorType((sum(operand.channels for operand in x), *x[0].size))

    def layer(self, x: Operands) -> Layer:
        return Layer("Concat")

    def label(self) -> str:
        return "concat"


@dataclass(frozen=True)
class Scale(Op):
    """Every element times a fixed factor.

    x: (...) -> (...)
    """

    family = "pointwise"

    factor: float

    def infer(self, x: Operands) -> TensorType:
        if len(x) != 1:
            raise ShapeError(f"scale takes one operand, got {len(x)}")
        return x[0]

    def operations(self, x: Operands, y: TensorType) -> int:
        """One multiplication an element."""
        return y.elements

    def layer(self, x: Operands) -> Layer:
        return Layer("Scale", {"factor": self.factor})

    def label(self) -> str:
        return "scale"


@dataclass(frozen=True)
class ChannelDropout(Op):
    """Drops whole channels at random while training; does nothing afterwards.

    x: (C, H, W) -> (C, H, W)
    """

    family = "pointwise"
    is_view = True
    copies_in_training = True

    rate: float

    def infer(self, x: Operands) -> TensorType:
        return single(x, self, rank=3)

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """The factor of each channel."""
        return Saved(more=y.channels)

    def layer(self, x: Operands) -> Layer:
        return Layer("Dropout2d", {"p": self.rate})

    def label(self) -> str:
        return "dropout"
