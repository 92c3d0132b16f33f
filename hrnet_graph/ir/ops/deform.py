"""Convolution whose taps lie where the network says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hrnet_graph.errors import ShapeError, SizeError
from hrnet_graph.ir.ops.base import Op, Spans
from hrnet_graph.ir.ops.columns import Counters, Layer, Saved, State, TorchLayer
from hrnet_graph.ir.types import Operands, TensorType, times

DEFORM_CONV = TorchLayer(
    "torchvision.ops:DeformConv2d",
    ("in_channels", "out_channels", "kernel_size"),
    {"padding": 0, "bias": True},
    extra="detection",
)

OFFSETS = TorchLayer("hrnet_graph.compiler.torch.deform:AffineOffsets", ("kernel_size",))


@dataclass(frozen=True)
class DeformConv2d(Op):
    """Convolution that reads each tap beside its place, as far as the second map says, bilinearly.

    x: (C, H, W), offsets: (2 * kernel^2, H, W) -> (out, H, W)

    Channels 2k and 2k + 1 of the offsets are rows and columns, in pixels, that tap k lies below and
    to the right of where a convolution would read; what lies outside of the map is zero.

    Source: Dai et al., "Deformable Convolutional Networks", ICCV 2017, section 2.1; for the layout,
    torchvision, torchvision/ops/deform_conv.py.
    """

    family = "deform"
    lender = 0
    onnx = "deform_conv"

    out: int
    kernel: int = 3

    def infer(self, x: Operands) -> TensorType:
        source, offsets = _two_maps(x, f"{self.label} takes a map and the offsets of its taps")
        wanted = 2 * self.kernel**2
        if self.kernel % 2 == 0 or offsets.channels != wanted:
            taps = f"{self.kernel}x{self.kernel} taps, an odd number a side,"
            raise ShapeError(f"{self.label}: {taps} take {wanted} offsets, got {offsets.channels}")
        return TensorType((self.out, *source.size))

    def state(self, x: Operands) -> tuple[State, ...]:
        return (State("weight", (self.out, x[0].channels, self.kernel, self.kernel)),)

    def macs(self, x: Operands, y: TensorType) -> int:
        """Those of a convolution of this size; interpolation is not counted among them."""
        return y.elements * x[0].channels * self.kernel**2

    def operations(self, x: Operands, y: TensorType) -> int:
        """Four neighbours for every channel of every tap, as for a bilinear upsampling."""
        return 4 * x[0].elements * self.kernel**2

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """The operands, and a mask and a bias that torchvision makes where there are none."""
        return Saved(operands=True, more=1, shared=self.out)

    def workspace(self, x: Operands, y: TensorType) -> int:
        """The mask and the bias."""
        return 1 + self.out

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        """The map anywhere, and the offsets in their place."""
        return None, (n, n)

    def layer(self, x: Operands) -> Layer:
        return DEFORM_CONV(
            in_channels=x[0].channels,
            out_channels=self.out,
            kernel_size=self.kernel,
            padding=self.kernel // 2,
            bias=False,
        )

    @property
    def label(self) -> str:
        return f"deformable conv {self.kernel}x{self.kernel}"


@dataclass(frozen=True)
class AffineOffsets(Op):
    """How far the taps of a convolution move if each pixel maps their places linearly and shifts.

    matrix: (4, H, W), shift: (2, H, W) -> (2 * kernel^2, H, W)

    With A the matrix of a pixel, row by row, and t its shift, both with rows before columns, tap r
    of the regular grid lies at A r + t, which is A r + t - r beside r.

    Source: Geng et al., "Bottom-Up Human Pose Estimation Via Disentangled Keypoint Regression",
    CVPR 2021, section 3.2; for the layers, DEKR, lib/models/conv_block.py, `AdaptBlock`.
    """

    family = "deform"
    lender = 0
    onnx = "affine_offsets"

    kernel: int = 3

    def infer(self, x: Operands) -> TensorType:
        matrix, shift = _two_maps(x, f"{self.label} take a map of matrices and one of shifts")
        if (matrix.channels, shift.channels) != (4, 2):
            got = f"{matrix.channels} and {shift.channels}"
            raise ShapeError(f"{self.label} take 4 and 2 channels, got {got}")
        return TensorType((2 * self.kernel**2, *matrix.size))

    def state(self, x: Operands) -> tuple[State, ...]:
        shape = (2, self.kernel**2)
        return (State("regular_matrix", shape, trainable=False, is_constant=True, beside=True),)

    def constants(self) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """The row and the column of each tap, from the middle one on."""
        cells = range(-(self.kernel // 2), self.kernel - self.kernel // 2)
        rows, columns = zip(*((row, column) for row in cells for column in cells), strict=True)
        return {"regular_matrix": (rows, columns)}

    counters = Counters(fvcore="matmul", torch="bmm")

    def macs(self, x: Operands, y: TensorType) -> int:
        """A product of a 2x2 matrix with a grid of taps for every pixel."""
        return 2 * y.elements

    def operations(self, x: Operands, y: TensorType) -> int:
        """The grid is taken off, and the shift added."""
        return 2 * y.elements

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """The grid."""
        return Saved(shared=2 * self.kernel**2)

    def workspace(self, x: Operands, y: TensorType) -> int:
        """The product before the grid is taken off, the grid, and the numbers it is made of."""
        return y.elements + 2 * self.kernel**2 + self.kernel

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        return (n, n), (n, n)

    def layer(self, x: Operands) -> Layer:
        return OFFSETS(kernel_size=self.kernel)

    @property
    def label(self) -> str:
        return f"affine offsets {self.kernel}x{self.kernel}"


def _two_maps(x: Operands, what: str) -> tuple[TensorType, TensorType]:
    """Two maps of one size."""
    if len(x) != 2 or any(len(t.shape) != 3 for t in x):
        raise ShapeError(f"{what}, got {len(x)} operands")
    first, second = x
    if first.size != second.size:
        raise SizeError(f"{what}, of one size, got {times(first.size)} and {times(second.size)}")
    return first, second
