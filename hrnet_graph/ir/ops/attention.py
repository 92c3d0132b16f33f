"""What attention over pixels and regions is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hrnet_graph.errors import ShapeError
from hrnet_graph.ir.ops.base import (
    Counters,
    Elementwise,
    Layer,
    Onnx,
    Op,
    Operands,
    Rearrangement,
    Saved,
    Span,
    TorchLayer,
    single,
)
from hrnet_graph.ir.ops.linear import FLATTEN
from hrnet_graph.ir.types import TensorType

SOFTMAX = TorchLayer("Softmax", (), {"dim": ...}, "F.softmax({x}, dim={dim})")


@dataclass(frozen=True)
class FlattenPixels(Rearrangement):
    """A map as a matrix with one column a pixel.

    x: (C, H, W) -> (C, H * W)
    """

    family = "attention"
    is_view = True

    def infer(self, x: Operands) -> TensorType:
        source = single(x, self, rank=3)
        return TensorType((source.channels, math.prod(source.size)))

    def layer(self, x: Operands) -> Layer:
        return FLATTEN(start_dim=2)

    def onnx(self) -> Onnx | str:
        return Onnx("Reshape", constants=((0, 0, -1),))

    def label(self) -> str:
        return "flatten pixels"


@dataclass(frozen=True)
class UnflattenPixels(Rearrangement):
    """A matrix with one column a pixel as a map of the second operand's height and width.

    x: (C, H * W), like: (D, H, W) -> (C, H, W)
    """

    family = "attention"
    is_view = True
    lender = 1

    def infer(self, x: Operands) -> TensorType:
        if len(x) != 2 or len(x[0].shape) != 2 or len(x[1].shape) != 3:
            raise ShapeError("unflatten takes a matrix and the map whose size it is to have")
        matrix, like = x
        if matrix.shape[1] != math.prod(like.size):
            raise ShapeError(f"unflatten cannot lay {matrix.shape[1]} columns out as {like}")
        return TensorType((matrix.channels, *like.size))

    def functional(self, *x: str) -> str:
        return f"{x[0]}.unflatten(2, {x[1]}.shape[2:])"

    def onnx(self) -> Onnx | str:
        return "unflatten_pixels"

    def label(self) -> str:
        return "unflatten pixels"


@dataclass(frozen=True)
class Column(Rearrangement):
    """A matrix as a map of width one.

    x: (C, N) -> (C, N, 1)
    """

    family = "attention"
    is_view = True

    def infer(self, x: Operands) -> TensorType:
        return TensorType((*single(x, self, rank=2).shape, 1))

    def functional(self, *x: str) -> str:
        return f"{x[0]}.unsqueeze(-1)"

    def onnx(self) -> Onnx | str:
        return Onnx("Reshape", constants=((0, 0, -1, 1),))

    def label(self) -> str:
        return "column"


@dataclass(frozen=True)
class Softmax(Elementwise):
    """Positive weights that add up to one along the last dimension.

    x: (..., N) -> (..., N)
    """

    family = "attention"

    def operations(self, x: Operands, y: TensorType) -> int:
        """An exponential, a share of the sum and a division: three an element."""
        return 3 * y.elements

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> tuple[Span | None, ...]:
        return (None,)

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        return Saved(result=True)

    def layer(self, x: Operands) -> Layer:
        return SOFTMAX(dim=-1)

    def onnx(self) -> Onnx | str:
        return Onnx("Softmax", {"axis": -1})

    def label(self) -> str:
        return "softmax"


@dataclass(frozen=True)
class MatMul(Op):
    """The product of two matrices, either of them transposed first.

    a: (M, K), b: (K, N) -> (M, N); where transposed, a: (K, M), b: (N, K)
    """

    family = "attention"
    counters = Counters(fvcore="matmul", torch="bmm")

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

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        return Saved(operands=True)

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> tuple[Span | None, ...]:
        return (None, None)

    def functional(self, *x: str) -> str:
        first = ".transpose(1, 2)" if self.transpose_first else ""
        second = ".transpose(1, 2)" if self.transpose_second else ""
        return f"{x[0]}{first} @ {x[1]}{second}"

    def onnx(self) -> Onnx | str:
        return "matmul"

    def label(self) -> str:
        return "matmul"
