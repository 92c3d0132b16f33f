"""Convolution, and what a rewrite makes of it."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any

from hrnet_graph.errors import ShapeError, SizeError
from hrnet_graph.ir.ops.activation import Activation
from hrnet_graph.ir.ops.base import Op, Spans, single
from hrnet_graph.ir.ops.columns import Counters, Layer, Onnx, Saved, State, TorchLayer
from hrnet_graph.ir.types import Operands, TensorType

WIDTHS = ("in_channels", "out_channels", "kernel_size")

CONV = TorchLayer(
    "Conv2d", WIDTHS, {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True}
)

TRANSPOSED = TorchLayer(
    "ConvTranspose2d", WIDTHS, {"stride": 1, "padding": 0, "output_padding": 0, "bias": True}
)

FUSED = TorchLayer(
    "hrnet_graph.compiler.torch.layers:FusedConv2d", WIDTHS, {**CONV.keywords, "activation": ""}
)


ZERO = TorchLayer("hrnet_graph.compiler.torch.layers:ZeroConv2d", WIDTHS, CONV.keywords)


class _Convolution(Op, abstract=True):
    """A convolution, transposed or not, with a square kernel."""

    family = "conv"
    counters = Counters(fvcore="conv", torch="convolution")
    keeps = Saved(operands=True)

    out: int
    kernel: int
    stride: int
    bias: bool

    @property
    @abstractmethod
    def padding(self) -> int:
        """Pixels on each side that are added, or cut off."""

    @abstractmethod
    def _weight(self, x: Operands) -> tuple[int, int, int, int]:
        """The shape of the weight."""

    def state(self, x: Operands) -> tuple[State, ...]:
        weight = State("weight", self._weight(x))
        return (weight, State("bias", (self.out,))) if self.bias else (weight,)

    def _arguments(self, x: Operands) -> dict[str, object]:
        """What the torch layers of both take."""
        return {
            "in_channels": x[0].channels,
            "out_channels": self.out,
            "kernel_size": self.kernel,
            "stride": self.stride,
            "padding": self.padding,
            "bias": self.bias,
        }

    def _onnx(self, operator: str, **others: int | list[int]) -> Onnx:
        kernel, strides, pads = [self.kernel] * 2, [self.stride] * 2, [self.padding] * 4
        return Onnx(operator, {"kernel_shape": kernel, "strides": strides, "pads": pads, **others})


@dataclass(frozen=True)
class Conv2d(_Convolution):
    """Two-dimensional convolution, zero-padded so that stride 1 keeps the size.

    x: (C, H, W) -> (out, ceil(H / stride), ceil(W / stride)) for an odd kernel

    `dilation` is the step in pixels from one number of the kernel to the next.
    """

    out: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    bias: bool = False
    dilation: int = 1

    @property
    def padding(self) -> int:
        """Zeros on each side, in pixels: half the kernel, rounded down, in steps of `dilation`."""
        return self.dilation * (self.kernel // 2)

    @property
    def reach(self) -> int:
        """Pixels from the first to the last that the kernel lies on, inclusive."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def lender(self) -> int | None:  # type: ignore[override]  # the first, where it keeps the size
        return 0 if self.stride == 1 and self.kernel % 2 else None

    def infer(self, x: Operands) -> TensorType:
        source = single(x, self, rank=3)
        channels, *size = source.shape
        if channels % self.groups or self.out % self.groups:
            raise ShapeError(
                f"{self.label} splits {channels} channels into {self.out} in {self.groups} "
                "groups, which must divide both"
            )
        grown = [(n + 2 * self.padding - self.reach) // self.stride + 1 for n in size]
        if min(grown) < 1:
            raise SizeError(f"{self.label} leaves nothing of {source}")
        return TensorType((self.out, *grown))

    def _weight(self, x: Operands) -> tuple[int, int, int, int]:
        return (self.out, x[0].channels // self.groups, self.kernel, self.kernel)

    def macs(self, x: Operands, y: TensorType) -> int:
        return math.prod(self._weight(x)) * math.prod(y.size)

    @property
    def reading(self) -> Op:
        return replace(self, out=1, groups=1, bias=False)

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        """From the first to the last number of the kernel that lies on the map."""
        step, first = self.dilation, n * self.stride - self.padding
        last = first + self.reach - 1
        beyond = max(0, last - extents[0] + 1)
        return ((max(first, first % step), last - -(-beyond // step) * step),)

    def layer(self, x: Operands) -> Layer:
        return CONV(**self._arguments(x), dilation=self.dilation, groups=self.groups)

    @property
    def onnx(self) -> Onnx:
        dilated = {"dilations": [self.dilation] * 2} if self.dilation > 1 else {}
        return self._onnx("Conv", group=self.groups, **dilated)

    @property
    def label(self) -> str:
        stride = f" /{self.stride}" if self.stride > 1 else ""
        dilated = f" dilation {self.dilation}" if self.dilation > 1 else ""
        kind = "depthwise" if 1 < self.groups == self.out else "conv"
        return f"{kind} {self.kernel}x{self.kernel}{stride}{dilated}"


@dataclass(frozen=True)
class ZeroConv2d(Conv2d):
    """A convolution whose weight and bias start at zero, so that at first it says nothing.

    x: (C, H, W) -> (out, H', W'), the size as of `Conv2d`
    """

    def state(self, x: Operands) -> tuple[State, ...]:
        return tuple(replace(entry, start=0) for entry in super().state(x))

    def layer(self, x: Operands) -> Layer:
        return ZERO(**super().layer(x).arguments)


@dataclass(frozen=True)
class ConvTranspose2d(_Convolution):
    """Transposed convolution that enlarges by `stride`.

    x: (C, H, W) -> (out, stride * H, stride * W)

    Where kernel - stride is odd, one pixel more is cut off in front than behind.
    """

    out: int
    kernel: int = 4
    stride: int = 2
    bias: bool = False

    @property
    def padding(self) -> int:
        """Pixels that are cut off each side, but for `output_padding`."""
        return (self.kernel - self.stride + 1) // 2

    @property
    def output_padding(self) -> int:
        """Pixels that are cut off less behind."""
        return (self.kernel - self.stride) % 2

    def infer(self, x: Operands) -> TensorType:
        _, height, width = single(x, self, rank=3).shape
        if self.kernel < self.stride or self.output_padding >= self.stride:
            even = " plus an even number" if self.stride == 1 else ""
            raise ShapeError(f"{self.label} takes a kernel of at least its stride{even}")
        return TensorType((self.out, self.stride * height, self.stride * width))

    def _weight(self, x: Operands) -> tuple[int, int, int, int]:
        return (x[0].channels, self.out, self.kernel, self.kernel)

    def macs(self, x: Operands, y: TensorType) -> int:
        return math.prod(self._weight(x)) * math.prod(x[0].size)

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        last = n + self.padding
        return ((-((self.kernel - 1 - last) // self.stride), last // self.stride),)

    def layer(self, x: Operands) -> Layer:
        return TRANSPOSED(**self._arguments(x), output_padding=self.output_padding)

    @property
    def onnx(self) -> Onnx:
        more = {"output_padding": [self.output_padding] * 2} if self.output_padding else {}
        return self._onnx("ConvTranspose", **more)

    @property
    def label(self) -> str:
        return f"transposed conv {self.kernel}x{self.kernel} x{self.stride}"


@dataclass(frozen=True)
class FusedConv2d(Conv2d):
    """A convolution, plus another map where there is one, then activated where it says so.

    x: (C, H, W), term: (out, H', W') -> (out, H', W'), the size as of `Conv2d`
    """

    is_rewrite = True
    reuses = slice(1, None)
    onnx = "fused_conv"  # type: ignore[assignment]  # several operators, where a convolution is one

    activation: str = ""

    @classmethod
    def of(cls, op: Conv2d, activation: str = "") -> FusedConv2d:
        """A convolution as one that may take a term and is activated."""
        return cls(op.out, op.kernel, op.stride, op.groups, op.bias, op.dilation, activation)

    @property
    def plain(self) -> Conv2d:
        """The convolution alone."""
        return Conv2d(self.out, self.kernel, self.stride, self.groups, self.bias, self.dilation)

    def infer(self, x: Operands) -> TensorType:
        result = super().infer(x[:1])
        if len(x) > 2 or any(term != result for term in x[1:]):
            raise ShapeError(f"{self.label} adds {x[-1]} to {result}")
        return result

    def operations(self, x: Operands, y: TensorType) -> int:
        """One an element for the addition, and one for the activation."""
        return (len(x) - 1 + bool(self.activation)) * y.elements

    def workspace(self, x: Operands, y: TensorType) -> int:
        """What is activated, where the activation does not write over it."""
        beside = self.activation and not Activation(self.activation).can_overwrite
        return y.elements if beside else 0

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        return (*super().reads(n, extents[:1], extent), (n, n))[: len(extents)]

    def layer(self, x: Operands) -> Layer:
        return FUSED(**super().layer(x).arguments, activation=self.activation)

    @property
    def label(self) -> str:
        return " + ".join(part for part in (super().label, self.activation) if part)
