"""Change of resolution without parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hrnet_graph.errors import ShapeError, SizeError
from hrnet_graph.ir.ops.base import Op, Spans, reads_whole, single
from hrnet_graph.ir.ops.columns import Counters, Layer, Onnx, Saved, TorchLayer
from hrnet_graph.ir.types import Operands, TensorType, times

UPSAMPLE = TorchLayer(
    "Upsample",
    (),
    {"scale_factor": ..., "mode": ...},
    "F.interpolate({x}, scale_factor={scale_factor}, mode={mode})",
)

POOL = TorchLayer(
    "AdaptiveAvgPool2d", ("output_size",), {}, "F.adaptive_avg_pool2d({x}, {output_size})"
)

WINDOW = TorchLayer(
    "AvgPool2d", ("kernel_size",), {"ceil_mode": False}, "F.avg_pool2d({x}, {arguments})"
)

PIXEL_SHUFFLE = TorchLayer(
    "PixelShuffle", ("upscale_factor",), {}, "F.pixel_shuffle({x}, {upscale_factor})"
)


class _Resampling(Op, abstract=True):
    """An op that changes the height and width of a map."""

    family = "resample"
    per_element = 1
    keeps = Saved()


@dataclass(frozen=True)
class NearestUpsample(_Resampling):
    """Every pixel repeated `factor` times in both directions.

    x: (C, H, W) -> (C, factor * H, factor * W)
    """

    counters = Counters(fvcore="upsample_nearest2d")

    factor: int

    def infer(self, x: Operands) -> TensorType:
        channels, height, width = single(x, self, rank=3).shape
        return TensorType((channels, self.factor * height, self.factor * width))

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        return ((n // self.factor, n // self.factor),)

    def layer(self, x: Operands) -> Layer:
        return UPSAMPLE(scale_factor=self.factor, mode="nearest")

    @property
    def onnx(self) -> Onnx | str:
        factors = (1.0, 1.0, float(self.factor), float(self.factor))
        how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return Onnx("Resize", {"mode": "nearest", **how}, ("", factors))

    @property
    def label(self) -> str:
        return f"nearest x{self.factor}"


@dataclass(frozen=True)
class BilinearUpsample(_Resampling):
    """A map `factor` times as high and wide, by bilinear interpolation between centres of pixels.

    x: (C, H, W) -> (C, factor * H, factor * W)
    """

    counters = Counters(fvcore="upsample_bilinear2d")
    per_element = 4  # one for each neighbour

    factor: int

    def infer(self, x: Operands) -> TensorType:
        channels, height, width = single(x, self, rank=3).shape
        return TensorType((channels, self.factor * height, self.factor * width))

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        """The two neighbours of where the cell lies; where it lies on one, that one alone."""
        above, below = 2 * n + 1 - self.factor, 2 * self.factor
        return ((above // below, -(-above // below)),)

    def layer(self, x: Operands) -> Layer:
        return UPSAMPLE(scale_factor=self.factor, mode="bilinear")

    @property
    def onnx(self) -> Onnx | str:
        factors = (1.0, 1.0, float(self.factor), float(self.factor))
        return Onnx("Resize", {"mode": "linear"}, ("", factors))

    @property
    def label(self) -> str:
        return f"bilinear x{self.factor}"


@dataclass(frozen=True)
class NearestResize(_Resampling):
    """The first operand at the height and width of the second, each pixel the one it lies in.

    x: (C, H, W), like: (D, H', W') -> (C, H', W')
    """

    lender = 1
    counters = Counters(fvcore="upsample_nearest2d")
    label = "nearest"
    onnx = "nearest"

    def infer(self, x: Operands) -> TensorType:
        source, like = _with_like(x, "nearest resize")
        return TensorType((source.channels, *like.size))

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        cell = n * extents[0] // extent
        return ((cell, cell),)

    def functional(self, *x: str) -> str:
        return f'F.interpolate({x[0]}, size={x[1]}.shape[2:], mode="nearest")'


@dataclass(frozen=True)
class BilinearResize(_Resampling):
    """The first operand, resized bilinearly to the height and width of the second.

    x: (C, H, W), like: (D, H', W') -> (C, H', W')
    """

    lender = 1
    counters = Counters(fvcore="upsample_bilinear2d")
    label = "bilinear"
    per_element = 4  # one for each neighbour
    onnx = "bilinear"

    align_corners: bool = False

    def infer(self, x: Operands) -> TensorType:
        source, like = _with_like(x, "bilinear resize")
        return TensorType((source.channels, *like.size))

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        """The two neighbours of where the cell lies; where it lies on one, that one alone."""
        size = extents[0]
        if self.align_corners:
            above, below = n * (size - 1), max(extent - 1, 1)
        else:
            above, below = (2 * n + 1) * size - extent, 2 * extent
        first = above // below
        return ((first, -(-above // below)),)

    def functional(self, *x: str) -> str:
        how = f'mode="bilinear", align_corners={self.align_corners}'
        return f"F.interpolate({x[0]}, size={x[1]}.shape[2:], {how})"


@dataclass(frozen=True)
class GlobalAveragePool(_Resampling):
    """The mean over height and width.

    x: (C, H, W) -> (C, 1, 1)
    """

    counters = Counters(fvcore="adaptive_avg_pool2d")
    label = "average pool"
    reads = reads_whole
    onnx = Onnx("GlobalAveragePool")

    def infer(self, x: Operands) -> TensorType:
        return TensorType((single(x, self, rank=3).channels, 1, 1))

    def operations(self, x: Operands, y: TensorType) -> int:
        """One an element of the operand."""
        return x[0].elements

    def layer(self, x: Operands) -> Layer:
        return POOL(output_size=1)


@dataclass(frozen=True)
class AdaptiveAveragePool(_Resampling):
    """The means of windows that share a map evenly: `size`, or the second operand's, of them.

    x: (C, H, W) -> (C, *size); x: (C, H, W), like: (D, H', W') -> (C, H', W')

    Where the sizes do not divide, windows overlap: cell n reads from floor(n * H / H') up to
    ceil((n + 1) * H / H').
    """

    counters = Counters(fvcore="adaptive_avg_pool2d")
    onnx = "adaptive_average_pool"

    size: tuple[int, int] | None = None

    @property
    def lender(self) -> int | None:  # type: ignore[override]  # the second, where there is one
        return None if self.size else 1

    def infer(self, x: Operands) -> TensorType:
        if self.size:
            return TensorType((single(x, self, rank=3).channels, *self.size))
        source, like = _with_like(x, self.label)
        return TensorType((source.channels, *like.size))

    def operations(self, x: Operands, y: TensorType) -> int:
        """One an element of the operand."""
        return x[0].elements

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """The operand, unless it is pooled to one pixel, which is a mean."""
        return Saved(operands=y.size != (1, 1))

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        return ((n * extents[0] // extent, -(-(n + 1) * extents[0] // extent) - 1),)

    def functional(self, *x: str) -> str:
        return f"F.adaptive_avg_pool2d({x[0]}, {self.size or f'{x[1]}.shape[2:]'})"

    @property
    def label(self) -> str:
        return f"average pool to {times(self.size)}" if self.size else "average pool to a map"


@dataclass(frozen=True)
class AveragePool(_Resampling):
    """The mean of every `size` x `size` pixels; what is left over at the edges is dropped.

    x: (C, H, W) -> (C, floor(H / size), floor(W / size)), or rounded up where it is `ragged`

    `ragged` takes the mean of what is left over as well.
    """

    keeps = Saved(operands=True)

    size: int
    ragged: bool = False

    def infer(self, x: Operands) -> TensorType:
        source = single(x, self, rank=3)
        if min(source.size) < self.size and not self.ragged:
            raise SizeError(f"{self.label} leaves nothing of {source}")
        more = self.size - 1 if self.ragged else 0
        return TensorType((source.channels, *((n + more) // self.size for n in source.size)))

    def operations(self, x: Operands, y: TensorType) -> int:
        """One an element of the operand that is pooled."""
        return x[0].elements if self.ragged else self.size**2 * y.elements

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        return ((n * self.size, n * self.size + self.size - 1),)

    def layer(self, x: Operands) -> Layer:
        return WINDOW(kernel_size=self.size, ceil_mode=self.ragged)

    @property
    def onnx(self) -> Onnx | str:
        window = [self.size, self.size]
        rounding = {"ceil_mode": 1} if self.ragged else {}
        return Onnx("AveragePool", {"kernel_shape": window, "strides": window, **rounding})

    @property
    def label(self) -> str:
        return f"average pool {self.size}x{self.size}"


@dataclass(frozen=True)
class PixelShuffle(_Resampling):
    """Channels become pixels: each `factor` * `factor` of them one map, `factor` times as large.

    x: (C, H, W) -> (C / factor^2, factor * H, factor * W), where factor^2 divides C

    Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient
    Sub-Pixel Convolutional Neural Network", CVPR 2016, section 3.2.
    """

    per_element = 0

    factor: int

    def infer(self, x: Operands) -> TensorType:
        channels, height, width = single(x, self, rank=3).shape
        if channels % self.factor**2:
            raise ShapeError(f"{self.label} makes {self.factor**2} pixels of {channels} channels")
        size = (self.factor * height, self.factor * width)
        return TensorType((channels // self.factor**2, *size))

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        return ((n // self.factor, n // self.factor),)

    def layer(self, x: Operands) -> Layer:
        return PIXEL_SHUFFLE(upscale_factor=self.factor)

    @property
    def onnx(self) -> Onnx | str:
        return Onnx("DepthToSpace", {"blocksize": self.factor, "mode": "CRD"})

    @property
    def label(self) -> str:
        return f"pixel shuffle x{self.factor}"


def _with_like(x: Operands, what: str) -> tuple[TensorType, TensorType]:
    """A map, and the map whose height and width it is to have."""
    if len(x) != 2 or any(len(t.shape) != 3 for t in x):
        raise ShapeError(f"{what} takes a map and the map whose size it is to have")
    return x[0], x[1]
