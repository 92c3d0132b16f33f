"""Activation."""

from __future__ import annotations

from dataclasses import dataclass

from hrnet_graph.errors import ShapeError
from hrnet_graph.ir.ops.base import Layer, Op, Operands, Saved
from hrnet_graph.ir.types import TensorType

LAYERS = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "LeakyReLU",
    "silu": "SiLU",
    "hardswish": "Hardswish",
    "gelu": "GELU",
}
"""The activations, by the name a spec gives them, and the `torch.nn` layer of each."""


@dataclass(frozen=True)
class Activation(Op):
    """An elementwise nonlinearity without parameters: one of `LAYERS`.

    x: (...) -> (...)
    """

    family = "activation"

    kind: str = "relu"

    @property
    def can_overwrite(self) -> bool:  # type: ignore[override]  # a fact of each kind
        return self.kind != "gelu"

    def infer(self, x: Operands) -> TensorType:
        if len(x) != 1:
            raise ShapeError(f"{self.label()} takes one operand, got {len(x)}")
        return x[0]

    def operations(self, x: Operands, y: TensorType) -> int:
        """One an element."""
        return y.elements

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """The result where the slope can be told from it, else the operand or a copy of it."""
        if self.kind == "relu" or (in_place and self.kind == "leaky_relu"):
            return Saved(result=True)
        return Saved(more=y.elements) if in_place else Saved(operands=True)

    def layer(self, x: Operands) -> Layer:
        return Layer(LAYERS[self.kind])

    def label(self) -> str:
        return self.kind
