"""The network's input."""

from __future__ import annotations

from dataclasses import dataclass

from hrnet_graph.errors import ShapeError
from hrnet_graph.ir.ops.base import Layer, Op, Operands
from hrnet_graph.ir.types import TensorType


@dataclass(frozen=True)
class Input(Op):
    """The image that the network is given.

    -> (C, H, W)
    """

    family = "input"

    shape: tuple[int, int, int]

    def infer(self, x: Operands) -> TensorType:
        if x:
            raise ShapeError(f"input takes no operand, got {len(x)}")
        return TensorType(self.shape)

    def layer(self, x: Operands) -> Layer:
        return Layer("Identity")

    def label(self) -> str:
        return "input"
