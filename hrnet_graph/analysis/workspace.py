"""What torch's engine on the CPU needs beside operands and result while it computes an operation.

Source: measured with torch's profiler on torch 2.14 with oneDNN on AVX-512, channels first; the
bound of `SMALL` is ATen's (aten/src/ATen/native/Convolution.cpp, `use_mkldnn`).
"""

from __future__ import annotations

import math

from hrnet_graph.ir.ops import Conv2d, ConvTranspose2d, DeformConv2d, Op, Operands
from hrnet_graph.ir.types import TensorType

BLOCK = 16
"""oneDNN keeps maps and weights in blocks of so many channels."""

SMALL = 20480
"""A single image of no more numbers is convolved by torch itself, as one matrix product."""


def onednn(op: Op, x: Operands, y: TensorType) -> int:
    """Numbers for one image beside operands and result, with the copies in blocks of oneDNN."""
    if isinstance(op, Conv2d):
        return _convolution(op, x[0], y)
    if isinstance(op, ConvTranspose2d):
        return 2 * y.elements
    if isinstance(op, DeformConv2d):  # every tap of every pixel, and two copies of the result
        columns = x[0].channels * op.kernel**2 * math.prod(y.size)
        return columns + 2 * y.elements + op.workspace(x, y)
    return op.workspace(x, y)


def _convolution(op: Conv2d, x: TensorType, y: TensorType) -> int:
    if x.elements <= SMALL and op.kernel <= 3 and op.groups == 1:
        return x.channels * op.kernel**2 * math.prod(y.size) if op.kernel > 1 else 0
    result = _blocks(op.out) * math.prod(y.size)
    if x.channels < BLOCK:
        operand, channels = 0, x.channels
    else:
        operand, channels = _blocks(x.channels) * math.prod(x.size), _blocks(x.channels)
    weight = _blocks(op.out) * channels * op.kernel**2 // op.groups
    return max(operand + weight + result - y.elements, result)


def _blocks(channels: int) -> int:
    """The channels rounded up to whole blocks."""
    return -(-channels // BLOCK) * BLOCK
