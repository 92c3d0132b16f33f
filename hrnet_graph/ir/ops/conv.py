"""Convolution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hrnet_graph.errors import ShapeError, SizeError
from hrnet_graph.ir.ops.base import (
    Counters,
    Layer,
    Onnx,
    Op,
    Operands,
    Saved,
    Span,
    State,
    TorchLayer,
    single,
)
from hrnet_graph.ir.types import TensorType

WIDTHS = ("in_channels", "out_channels", "kernel_size")

CONV = TorchLayer("Conv2d", WIDTHS, {"stride": 1, "padding": 0, "groups": 1, "bias": True})

TRANSPOSED = TorchLayer("ConvTranspose2d", WIDTHS, {"stride": 1, "padding": 0, "bias": True})


@dataclass(frozen=True)
class Conv2d(Op):
    """Two-dimensional convolution, zero-padded so that stride 1 keeps the size.

    x: (C, H, W) -> (out, ceil(H / stride), ceil(W / stride)) for an odd kernel
    """

    family = "conv"
    counters = Counters(fvcore="conv", torch="convolution")

    out: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    bias: bool = False

    @property
    def padding(self) -> int:
        """Zeros on each side, in pixels: half the kernel, rounded down."""
        return self.kernel // 2

    @property
    def lender(self) -> int | None:  # type: ignore[override]  # the first, where it keeps the size
        return 0 if self.stride == 1 and self.kernel % 2 else None

    def infer(self, x: Operands) -> TensorType:
        source = single(x, self, rank=3)
        channels, *size = source.shape
        if channels % self.groups or self.out % self.groups:
            raise ShapeError(
                f"{self.label()} splits {channels} channels into {self.out} in {self.groups} "
                "groups, which must divide both"
            )
        grown = [(n + 2 * self.padding - self.kernel) // self.stride + 1 for n in size]
        if min(grown) < 1:
            raise SizeError(f"{self.label()} leaves nothing of {source}")
        return TensorType((self.out, *grown))

    def _weight(self, x: Operands) -> tuple[int, int, int, int]:
        return (self.out, x[0].channels // self.groups, self.kernel, self.kernel)

    def state(self, x: Operands) -> tuple[State, ...]:
        weight = State("weight", self._weight(x))
        return (weight, State("bias", (self.out,))) if self.bias else (weight,)

    def macs(self, x: Operands, y: TensorType) -> int:
        return math.prod(self._weight(x)) * math.prod(y.size)

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        return Saved(operands=True)

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> tuple[Span | None, ...]:
        first = n * self.stride - self.padding
        return ((first, first + self.kernel - 1),)

    def layer(self, x: Operands) -> Layer:
        return CONV(
            in_channels=x[0].channels,
            out_channels=self.out,
            kernel_size=self.kernel,
            stride=self.stride,
            padding=self.padding,
            groups=self.groups,
            bias=self.bias,
        )

    def onnx(self) -> Onnx:
        return _onnx("Conv", self.kernel, self.stride, self.padding, group=self.groups)

    def label(self) -> str:
        stride = f" /{self.stride}" if self.stride > 1 else ""
        return f"conv {self.kernel}x{self.kernel}{stride}"


@dataclass(frozen=True)
class ConvTranspose2d(Op):
    """Transposed convolution that enlarges by `stride`, where kernel - stride is even.

    x: (C, H, W) -> (out, stride * H, stride * W)
    """

    family = "conv"
    counters = Conv2d.counters

    out: int
    kernel: int = 4
    stride: int = 2
    bias: bool = False

    @property
    def padding(self) -> int:
        """Pixels that are cut off each side."""
        return (self.kernel - self.stride) // 2

    def infer(self, x: Operands) -> TensorType:
        _, height, width = single(x, self, rank=3).shape
        if self.kernel < self.stride or (self.kernel - self.stride) % 2:
            raise ShapeError(f"{self.label()} takes a kernel of its stride plus an even number")
        return TensorType((self.out, self.stride * height, self.stride * width))

    def _weight(self, x: Operands) -> tuple[int, int, int, int]:
        return (x[0].channels, self.out, self.kernel, self.kernel)

    def state(self, x: Operands) -> tuple[State, ...]:
        weight = State("weight", self._weight(x))
        return (weight, State("bias", (self.out,))) if self.bias else (weight,)

    def macs(self, x: Operands, y: TensorType) -> int:
        return math.prod(self._weight(x)) * math.prod(x[0].size)

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        return Saved(operands=True)

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> tuple[Span | None, ...]:
        last = n + self.padding
        return ((-((self.kernel - 1 - last) // self.stride), last // self.stride),)

    def layer(self, x: Operands) -> Layer:
        return TRANSPOSED(
            in_channels=x[0].channels,
            out_channels=self.out,
            kernel_size=self.kernel,
            stride=self.stride,
            padding=self.padding,
            bias=self.bias,
        )

    def onnx(self) -> Onnx | str:
        return _onnx("ConvTranspose", self.kernel, self.stride, self.padding)

    def label(self) -> str:
        return f"transposed conv {self.kernel}x{self.kernel} x{self.stride}"


def _onnx(operator: str, kernel: int, stride: int, padding: int, **others: int) -> Onnx:
    """The operator of a square kernel."""
    window = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [padding] * 4}
    return Onnx(operator, {**window, **others})
