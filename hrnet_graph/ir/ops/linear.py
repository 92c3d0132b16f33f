"""From feature map to feature vector, and linear maps of vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hrnet_graph.errors import ShapeError
from hrnet_graph.ir.ops.base import (
    Counters,
    Layer,
    Onnx,
    Op,
    Operands,
    Rearrangement,
    Saved,
    Span,
    State,
    TorchLayer,
    single,
)
from hrnet_graph.ir.types import TensorType

FLATTEN = TorchLayer("Flatten", ("start_dim",), {"start_dim": 1}, "{x}.flatten({start_dim})")

LINEAR = TorchLayer("Linear", ("in_features", "out_features"))


@dataclass(frozen=True)
class Flatten(Rearrangement):
    """All dimensions of a sample in one.

    x: (C, H, W) -> (C * H * W,)
    """

    family = "linear"
    is_view = True

    def infer(self, x: Operands) -> TensorType:
        if len(x) != 1:
            raise ShapeError(f"flatten takes one operand, got {len(x)}")
        return TensorType((x[0].elements,))

    def layer(self, x: Operands) -> Layer:
        return FLATTEN(start_dim=1)

    def onnx(self) -> Onnx | str:
        return Onnx("Flatten")

    def label(self) -> str:
        return "flatten"


@dataclass(frozen=True)
class Linear(Op):
    """A linear map with bias.

    x: (F,) -> (out,)
    """

    family = "linear"
    counters = Counters(fvcore="linear", torch="addmm")

    out: int

    def infer(self, x: Operands) -> TensorType:
        single(x, self, rank=1)
        return TensorType((self.out,))

    def state(self, x: Operands) -> tuple[State, ...]:
        return (State("weight", (self.out, x[0].channels)), State("bias", (self.out,)))

    def macs(self, x: Operands, y: TensorType) -> int:
        return self.out * x[0].channels

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        return Saved(operands=True)

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> tuple[Span | None, ...]:
        return (None,)

    def layer(self, x: Operands) -> Layer:
        return LINEAR(in_features=x[0].channels, out_features=self.out)

    def onnx(self) -> Onnx | str:
        return Onnx("Gemm", {"transB": 1})

    def label(self) -> str:
        return "linear"
