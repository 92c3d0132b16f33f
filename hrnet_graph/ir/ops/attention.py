"""What attention over pixels and regions is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hrnet_graph.errors import ShapeError
from hrnet_graph.ir.ops.base import Elementwise, Op, Rearrangement, reads_whole, single
from hrnet_graph.ir.ops.columns import Counters, Layer, Onnx, Saved, TorchLayer
from hrnet_graph.ir.ops.linear import FLATTEN
from hrnet_graph.ir.types import Operands, TensorType

SOFTMAX = TorchLayer("Softmax", (), {"dim": ...}, "F.softmax({x}, dim={dim})")


@dataclass(frozen=True)
class FlattenPixels(Rearrangement):
    """A map as a matrix with one column a pixel.

    x: (C, H, W) -> (C, H * W)
    """

    family = "attention"
    is_view = True
    label = "flatten pixels"
    onnx = Onnx("Reshape", constants=((0, 0, -1),))

    def infer(self, x: Operands) -> TensorType:
        source = single(x, self, rank=3)
        return TensorType((source.channels, math.prod(source.size)))

    def layer(self, x: Operands) -> Layer:
        return FLATTEN(start_dim=2)


@dataclass(frozen=True)
class UnflattenPixels(Rearrangement):
    """A matrix with one column a pixel as a map of the second operand's height and width.

    x: (C, H * W), like: (D, H, W) -> (C, H, W)
    """

    family = "attention"
    is_view = True
    lender = 1
    label = "unflatten pixels"
    onnx = "unflatten_pixels"

    def infer(self, x: Operands) -> TensorType:
        if len(x) != 2 or len(x[0].shape) != 2 or len(x[1].shape) != 3:
            raise ShapeError("unflatten takes a matrix and the map whose size it is to have")
        matrix, like = x
        if matrix.shape[1] != math.prod(like.size):
            raise ShapeError(f"unflatten cannot lay {matrix.shape[1]} columns out as {like}")
        return TensorType((matrix.channels, *like.size))

    def functional(self, *x: str) -> str:
        return f"{x[0]}.unflatten(2, {x[1]}.shape[2:])"


@dataclass(frozen=True)
class Column(Rearrangement):
    """A matrix as a map of width one.

    x: (C, N) -> (C, N, 1)
    """

    family = "attention"
    is_view = True
    label = "column"
    onnx = Onnx("Reshape", constants=((0, 0, -1, 1),))

    def infer(self, x: Operands) -> TensorType:
        return TensorType((*single(x, self, rank=2).shape, 1))

    def functional(self, *x: str) -> str:
        return f"{x[0]}.unsqueeze(-1)"


@dataclass(frozen=True)
class Softmax(Elementwise):
    """Positive weights that add up to one along the last dimension.

    x: (..., N) -> (..., N)
    """

    family = "attention"
    label = "softmax"
    per_element = 3  # an exponential, a share of the sum and a division
    keeps = Saved(result=True)
    reads = reads_whole
    onnx = Onnx("Softmax", {"axis": -1})

    def layer(self, x: Operands) -> Layer:
        return SOFTMAX(dim=-1)


@dataclass(frozen=True)
class MatMul(Op):
    """The product of two matrices, either of them transposed first.

    a: (M, K), b: (K, N) -> (M, N); where transposed, a: (K, M), b: (N, K)
    """

    family = "attention"
    counters = Counters(fvcore="matmul", torch="bmm")
    label = "matmul"
    keeps = Saved(operands=True)
    reads = reads_whole
    onnx = "matmul"

    transpose_first: bool = False
    transpose_second: bool = False

    def infer(self, x: Operands) -> TensorType:
        if len(x) != 2 or any(len(t.shape) != 2 for t in x):
            raise ShapeError("matmul takes two matrices")
        (rows, inner), (other_inner, columns) = self._matrices(x)
        if inner != other_inner:
            raise ShapeError(f"matmul takes {inner} rows below, got {other_inner}")
        return TensorType((rows, columns))

    def _matrices(self, x: Operands) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The shapes of the two matrices as they are multiplied."""
        first, second = x[0].shape, x[1].shape
        return (
            first[::-1] if self.transpose_first else first,
            second[::-1] if self.transpose_second else second,
        )

    def macs(self, x: Operands, y: TensorType) -> int:
        return y.elements * self._matrices(x)[0][1]

    def functional(self, *x: str) -> str:
        first = ".transpose(1, 2)" if self.transpose_first else ""
        second = ".transpose(1, 2)" if self.transpose_second else ""
        return f"{x[0]}{first} @ {x[1]}{second}"
