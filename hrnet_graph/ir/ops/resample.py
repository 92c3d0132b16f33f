"""Change of resolution without parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hrnet_graph.errors import ShapeError, SizeError
from hrnet_graph.ir.ops.base import Layer, Op, Operands, Saved, Span, single
from hrnet_graph.ir.types import TensorType


@dataclass(frozen=True)
class NearestUpsample(Op):
    """Every pixel repeated `factor` times in both directions.

    x: (C, H, W) -> (C, factor * H, factor * W)
    """

    family = "resample"

    factor: int

    def infer(self, x: Operands) -> TensorType:
        channels, height, width = single(x, self, rank=3).shape
        return TensorType((channels, self.factor * height, self.factor * width))

    def operations(self, x: Operands, y: TensorType) -> int:
        """One an element of the result."""
        return y.elements

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> tuple[Span | None, ...]:
        return ((n // self.factor, n // self.factor),)

    def layer(self, x: Operands) -> Layer:
        return Layer("Upsample", {"scale_factor": float(self.factor), "mode": "nearest"})

    def label(self) -> str:
        return f"nearest x{self.factor}"


@dataclass(frozen=True)
class BilinearResize(Op):
    """The first operand, resized bilinearly to the height and width of the second.

    x: (C, H, W), like: (D, H', W') -> (C, H', W')
    """

    family = "resample"

    align_corners: bool = False

    def infer(self, x: Operands) -> TensorType:
        if len(x) != 2 or any(len(t.shape) != 3 for t in x):
            raise ShapeError("bilinear resize takes a map and the map whose size it is to have")
        source, like = x
        return TensorType((source.channels, *like.size))

    def operations(self, x: Operands, y: TensorType) -> int:
        """Four an element of the result: one for each neighbour."""
        return 4 * y.elements

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> tuple[Span | None, ...]:
        """The two neighbours of where the cell lies; where it lies on one, that one alone."""
        size = extents[0]
        if self.align_corners:
            above, below = n * (size - 1), max(extent - 1, 1)
        else:
            above, below = (2 * n + 1) * size - extent, 2 * extent
        first = above // below
        return ((first, -(-above // below)),)

    def layer(self, x: Operands) -> Layer:
        return Layer("BilinearResize", {"align_corners": self.align_corners})

    def label(self) -> str:
        return "bilinear"


@dataclass(frozen=True)
class GlobalAveragePool(Op):
    """The mean over height and width.

    x: (C, H, W) -> (C, 1, 1)
    """

    family = "resample"

    def infer(self, x: Operands) -> TensorType:
        return TensorType((single(x, self, rank=3).channels, 1, 1))

    def operations(self, x: Operands, y: TensorType) -> int:
        """One an element of the operand."""
        return x[0].elements

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> tuple[Span | None, ...]:
        return tuple(None for _ in extents)

    def layer(self, x: Operands) -> Layer:
        return Layer("AdaptiveAvgPool2d", {"output_size": 1})

    def label(self) -> str:
        return "average pool"


@dataclass(frozen=True)
class AveragePool(Op):
    """The mean of every `size` x `size` pixels; what is left over at the edges is dropped.

    x: (C, H, W) -> (C, floor(H / size), floor(W / size))
    """

    family = "resample"

    size: int

    def infer(self, x: Operands) -> TensorType:
        source = single(x, self, rank=3)
        channels, height, width = source.shape
        if min(height, width) < self.size:
            raise SizeError(f"{self.label()} leaves nothing of {source}")
        return TensorType((channels, height // self.size, width // self.size))

    def operations(self, x: Operands, y: TensorType) -> int:
        """One an element of the operand that is pooled."""
        return self.size**2 * y.elements

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        return Saved(operands=True)

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> tuple[Span | None, ...]:
        return ((n * self.size, n * self.size + self.size - 1),)

    def layer(self, x: Operands) -> Layer:
        return Layer("AvgPool2d", {"kernel_size": self.size})

    def label(self) -> str:
        return f"average pool {self.size}x{self.size}"
