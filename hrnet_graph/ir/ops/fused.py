"""Operations that a rewrite puts in the place of several; no rule writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hrnet_graph.errors import ShapeError
from hrnet_graph.ir.ops.activation import Activation
from hrnet_graph.ir.ops.base import Layer, Operands, Span, TorchLayer
from hrnet_graph.ir.ops.conv import CONV, Conv2d
from hrnet_graph.ir.types import TensorType

FUSED = TorchLayer(
    "hrnet_graph.compiler.torch.layers:FusedConv2d",
    CONV.positional,
    {**CONV.keywords, "activation": ""},
)


@dataclass(frozen=True)
class FusedConv2d(Conv2d):
    """A convolution, plus another map where there is one, then activated where it says so.

    x: (C, H, W), term: (out, H', W') -> (out, H', W'), the size as of `Conv2d`
    """

    is_rewrite = True
    reuses = slice(1, None)

    activation: str = ""

    @classmethod
    def of(cls, op: Conv2d, activation: str = "") -> FusedConv2d:
        """A convolution as one that may take a term and is activated."""
        return cls(op.out, op.kernel, op.stride, op.groups, op.bias, activation)

    def infer(self, x: Operands) -> TensorType:
        result = super().infer(x[:1])
        if len(x) > 2 or any(term != result for term in x[1:]):
            raise ShapeError(f"{self.label()} adds {x[-1]} to {result}")
        return result

    def operations(self, x: Operands, y: TensorType) -> int:
        """One an element for the addition, and one for the activation."""
        return (len(x) - 1 + bool(self.activation)) * y.elements

    def workspace(self, x: Operands, y: TensorType) -> int:
        """What is activated, where the activation does not write over it."""
        beside = self.activation and not Activation(self.activation).can_overwrite
        return y.elements if beside else 0

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> tuple[Span | None, ...]:
        return (*super().reads(n, extents[:1], extent), (n, n))[: len(extents)]

    def layer(self, x: Operands) -> Layer:
        return FUSED(**super().layer(x).arguments, activation=self.activation)

    def onnx(self) -> str:  # type: ignore[override]  # several operators, where a convolution is one
        return "fused_conv"

    def label(self) -> str:
        return " + ".join(part for part in (super().label(), self.activation) if part)
