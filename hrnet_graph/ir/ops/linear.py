"""From feature map to feature vector, and linear maps of vectors."""

from __future__ import annotations

from dataclasses import dataclass

from hrnet_graph.errors import ShapeError
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
    """A linear map with bias, of a vector or of each row of a matrix.

    x: (F,) -> (out,); x: (N, F) -> (N, out)
    """

    family = "linear"
    counters = Counters(fvcore="linear", torch="addmm")
    label = "linear"
    keeps = Saved(operands=True)
    reads = reads_whole
    onnx = "linear"

    out: int

    def infer(self, x: Operands) -> TensorType:
        *rows, _ = single(x, self).shape
        if len(rows) > 1:
            raise ShapeError(f"{self.label} takes a vector or a matrix, got {x[0]}")
        return TensorType((*rows, self.out))

    def state(self, x: Operands) -> tuple[State, ...]:
        return (State("weight", (self.out, x[0].shape[-1])), State("bias", (self.out,)))

    def macs(self, x: Operands, y: TensorType) -> int:
        return self.out * x[0].elements

    def layer(self, x: Operands) -> Layer:
        return LINEAR(in_features=x[0].shape[-1], out_features=self.out)


@dataclass(frozen=True)
class Rows(Rearrangement):
    """A vector as a matrix, row upon row.

    x: (rows * F,) -> (rows, F)
    """

    family = "linear"
    is_view = True

    rows: int

    def infer(self, x: Operands) -> TensorType:
        size = single(x, self, rank=1).channels
        if size % self.rows:
            raise ShapeError(f"{self.label} cuts {size} numbers, which no whole rows come to")
        return TensorType((self.rows, size // self.rows))

    def functional(self, *x: str) -> str:
        return f"{x[0]}.unflatten(1, ({self.rows}, -1))"

    @property
    def onnx(self) -> Onnx | str:
        return Onnx("Reshape", constants=((0, self.rows, -1),))

    @property
    def label(self) -> str:
        return f"{self.rows} rows"
