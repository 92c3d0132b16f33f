"""Elementwise arithmetic over several operands."""

from __future__ import annotations

from dataclasses import dataclass

from hrnet_graph.errors import ShapeError, SizeError
from hrnet_graph.ir.ops.base import Layer, Op, Operands
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

    def layer(self, x: Operands) -> Layer:
        return Layer("Sum")

    def label(self) -> str:
        return "sum"
