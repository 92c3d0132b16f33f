"""From feature map to feature vector, and linear maps of vectors."""

from __future__ import annotations

from dataclasses import dataclass

from hrnet_graph.ir.ops.base import Op, Rearrangement, reads_whole, single
from hrnet_graph.ir.ops.columns import Counters, Layer, Onnx, Saved, State, TorchLayer
from hrnet_graph.ir.types import Operands, TensorType

FLATTEN = TorchLayer("Flatten", ("start_dim",), {"start_dim": 1}, "{x}.flatten({start_dim})")

LINEAR = TorchLayer("Linear", ("in_features", "out_features"))


@dataclass(frozen=True)
class Flatten(Rearrangement):
    """All dimensions of a sample in one.

    x: (C, H, W) -> (C * H * W,)
    """

    family = "linear"
    is_view = True
    label = "flatten"
    onnx = Onnx("Flatten")

    def infer(self, x: Operands) -> TensorType:
        return TensorType((single(x, self).elements,))

    def layer(self, x: Operands) -> Layer:
        return FLATTEN(start_dim=1)


@dataclass(frozen=True)
class Linear(Op):
    """A linear map with bias.

    x: (F,) -> (out,)
    """

    family = "linear"
    counters = Counters(fvcore="linear", torch="addmm")
    label = "linear"
    keeps = Saved(operands=True)
    reads = reads_whole
    onnx = Onnx("Gemm", {"transB": 1})

    out: int

    def infer(self, x: Operands) -> TensorType:
        single(x, self, rank=1)
        return TensorType((self.out,))

    def state(self, x: Operands) -> tuple[State, ...]:
        return (State("weight", (self.out, x[0].channels)), State("bias", (self.out,)))

    def macs(self, x: Operands, y: TensorType) -> int:
        return self.out * x[0].channels

    def layer(self, x: Operands) -> Layer:
        return LINEAR(in_features=x[0].channels, out_features=self.out)
