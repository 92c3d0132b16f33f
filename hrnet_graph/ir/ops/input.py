"""The network's input."""

from __future__ import annotations

from dataclasses import dataclass

from hrnet_graph.errors import ShapeError
from hrnet_graph.ir.ops.base import Rearrangement
from hrnet_graph.ir.ops.columns import ITSELF
from hrnet_graph.ir.types import Operands, TensorType


@dataclass(frozen=True)
class Input(Rearrangement):
    """The image that the network is given.

    -> (C, H, W)
    """

    family = "input"
    label = "input"
    onnx = ITSELF

    shape: tuple[int, int, int]

    def infer(self, x: Operands) -> TensorType:
        if x:
            raise ShapeError(f"input takes no operand, got {len(x)}")
        return TensorType(self.shape)

    def functional(self, *x: str) -> str:
        raise TypeError("the input is what a network is given")
