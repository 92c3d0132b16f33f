"""Convolution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hrnet_graph.errors import ShapeError, SizeError
from hrnet_graph.ir.ops.base import Layer, Op, Operands, Span, State, single
from hrnet_graph.ir.types import TensorType


@dataclass(frozen=True)
class Conv2d(Op):
    """Two-dimensional convolution, zero-padded so that stride 1 keeps the size.

    x: (C, H, W) -> (out, ceil(H / stride), ceil(W / stride)) for an odd kernel
    """

    family = "conv"

    out: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    bias: bool = False

    @property
    def padding(self) -> int:
        """Zeros on each side, in pixels: half the kernel, rounded down."""
        return self.kernel // 2

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

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> tuple[Span | None, ...]:
        first = n * self.stride - self.padding
        return ((first, first + self.kernel - 1),)

    def layer(self, x: Operands) -> Layer:
        arguments: dict[str, object] = {
            "in_channels": x[0].channels,
            "out_channels": self.out,
            "kernel_size": self.kernel,
            "stride": self.stride,
            "padding": self.padding,
            "groups": self.groups,
            "bias": self.bias,
        }
        return Layer("Conv2d", arguments)

    def label(self) -> str:
        stride = f" /{self.stride}" if self.stride > 1 else ""
        return f"conv {self.kernel}x{self.kernel}{stride}"


@dataclass(frozen=True)
class ConvTranspose2d(Op):
    """Transposed convolution that enlarges by `stride`, where kernel - stride is even.

    x: (C, H, W) -> (out, stride * H, stride * W)
    """

    family = "conv"

    out: int
    kernel: int = 4
    stride: int = 2
    bias: bool = False

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

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> tuple[Span | None, ...]:
        last = n + (self.kernel - self.stride) // 2
        return ((-((self.kernel - 1 - last) // self.stride), last // self.stride),)

    def layer(self, x: Operands) -> Layer:
        arguments: dict[str, object] = {
            "in_channels": x[0].channels,
            "out_channels": self.out,
            "kernel_size": self.kernel,
            "stride": self.stride,
            "padding": (self.kernel - self.stride) // 2,
            "bias": self.bias,
        }
        return Layer("ConvTranspose2d", arguments)

    def label(self) -> str:
        return f"transposed conv {self.kernel}x{self.kernel} x{self.stride}"
