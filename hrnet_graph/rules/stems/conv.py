"""The published stem."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Len

from hrnet_graph.errors import RuleError
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.options import Channels

PerConvolution = Annotated[tuple[Channels, ...], Len(1, 8)]
"""One number of channels for every convolution, in order."""


def conv(
    b: Builder,
    x: Value,
    *,
    channels: Channels | PerConvolution = 64,
    stride: Literal[1, 2, 4, 8] = 4,
    bias: bool = False,
) -> Value:
    """Convolutions of 3x3, each normalised and activated, the first of which halve the image.

    x: (C, H, W) -> (channels, H/stride, W/stride), rounded up at each halving

    channels: Width of the convolutions, or one a convolution. With one for all there are two, or
    three with `stride` 8, so that strides 1, 2 and 4 have the same weights.
    stride: How many pixels of the image a cell of the result is wide. `1`: no convolution halves
    it. `2`: the first does. `4`: the first two do, as published. `8`: the first three do.
    bias: Whether the convolutions have one, as in DDRNet.

    Source: Wang et al., TPAMI 2020, section 3.1.
    """
    halvings = stride.bit_length() - 1
    widths = channels if isinstance(channels, tuple) else (channels,) * max(2, halvings)
    if len(widths) < halvings:
        what = f"`stride: {stride}` takes {halvings} convolutions that halve the image"
        raise RuleError(
            f"{what}; expected {halvings} or more widths, got {len(widths)}", option=("channels",)
        )
    for i, width in enumerate(widths, start=1):
        x = b.conv(f"conv{i}", x, width, 3, 2 if i <= halvings else 1, bias)
        x = b.activation(f"act{i}", b.norm(f"bn{i}", x))
        if i <= halvings:
            b.remember(f"stride{2**i}", x)
    return x
