"""The fuse unit of concatenation: every branch receives a mixture of all channels."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.layers import conv_norm_act
from hrnet_graph.rules.ways import AlignCorners, Connect, Downsample, Upsample, Ways, fuse


def fuse_by_concat(
    b: Builder,
    maps: Sequence[Value],
    outputs: int,
    *,
    upsample: Upsample = "nearest",
    downsample: Downsample = "strided",
    align_corners: AlignCorners = False,
    connect: Connect = "all",
) -> list[Value]:
    """Brings all branches to each output as `sum` does, and mixes them by a 1x1 convolution.

    maps[i]: (C_i, H/2^i, W/2^i) -> result[i]: the same, for i < outputs

    What arrives from another branch is activated, since two convolutions in a row would be one.

    Source: Ronneberger et al., "U-Net", MICCAI 2015, section 2, for concatenation in place of sums.
    """

    def gather(terms: Sequence[Value]) -> Value:
        x = b.concat("concat", *terms)
        with b.scope("mix"):
            return conv_norm_act(b, x, terms[0].channels)

    ways = Ways(connect, upsample, downsample, align_corners)
    return fuse(b, maps, outputs, ways, gather, label="concat", treat=_activate)


def _activate(b: Builder, x: Value, is_own: bool) -> Value:
    """What a convolution has brought, activated."""
    return x if is_own else b.activation("act", x)
