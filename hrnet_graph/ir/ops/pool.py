"""Pooling in windows that overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hrnet_graph.errors import ShapeError
from hrnet_graph.ir.ops.base import Op, Spans, single
from hrnet_graph.ir.ops.columns import Layer, Onnx, Saved, TorchLayer
from hrnet_graph.ir.types import Operands, TensorType

WINDOW = TorchLayer(
    "AvgPool2d",
    ("kernel_size",),
    {"stride": ..., "padding": ...},
    "F.avg_pool2d({x}, {kernel_size}, stride={stride}, padding={padding})",
)


@dataclass(frozen=True)
class WindowAveragePool(Op):
    """The mean of every window of `size` x `size` pixels, `stride` apart; zeros around count.

    x: (C, H, W) -> (C, ceil(H / stride), ceil(W / stride)), where `size` is odd

    Source: Hong et al., "Deep Dual-resolution Networks", 2021, figure 5.
    """

    family = "resample"
    keeps = Saved(operands=True)

    size: int
    stride: int

    @property
    def padding(self) -> int:
        """Zeros on each side, so that stride 1 keeps the size."""
        return self.size // 2

    def infer(self, x: Operands) -> TensorType:
        channels, *size = single(x, self, rank=3).shape
        if self.size % 2 == 0:
            raise ShapeError(f"{self.label} has windows of an even side")
        return TensorType((channels, *(-(-n // self.stride) for n in size)))

    def operations(self, x: Operands, y: TensorType) -> int:
        """One for each pixel of a window."""
        return self.size**2 * y.elements

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        first = n * self.stride - self.padding
        return ((first, first + self.size - 1),)

    def layer(self, x: Operands) -> Layer:
        return WINDOW(kernel_size=self.size, stride=self.stride, padding=self.padding)

    @property
    def onnx(self) -> Onnx | str:
        window, strides, pads = [self.size] * 2, [self.stride] * 2, [self.padding] * 4
        shape = {"kernel_shape": window, "strides": strides, "pads": pads}
        return Onnx("AveragePool", {**shape, "count_include_pad": 1})

    @property
    def label(self) -> str:
        return f"average pool {self.size}x{self.size} /{self.stride}"
