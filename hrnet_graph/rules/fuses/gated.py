"""The fuse unit of gates: every branch receives what attention lets through of all."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import Activation, Multiply
from hrnet_graph.rules.ways import AlignCorners, Connect, Downsample, Upsample, Ways, fuse


def fuse_by_gates(
    b: Builder,
    maps: Sequence[Value],
    outputs: int,
    *,
    upsample: Upsample = "nearest",
    downsample: Downsample = "strided",
    align_corners: AlignCorners = False,
    connect: Connect = "all",
) -> list[Value]:
    """Adds all branches as `sum` does, each times its gate: the sigmoid of a 1x1 convolution of it.

    maps[i]: (C_i, H/2^i, W/2^i) -> result[i]: the same, for i < outputs

    A term is gated where it arrives, the output's own branch as well; there is a gate for every
    channel and pixel, of a convolution with a bias.

    Source: Li et al., "Gated Fully Fusion for Semantic Segmentation", AAAI 2020, section 3.2, which
    has one gate for all channels of a pixel, and lets an output's own gate close all others; with
    one for each channel, Dauphin et al., "Language Modeling with Gated Convolutional Networks",
    ICML 2017, equation 1.
    """

    def gather(terms: Sequence[Value]) -> Value:
        gated = [_pass_gate(b, x, at) for at, x in enumerate(terms)]
        return b.activation("act", b.sum("sum", *gated))

    ways = Ways(connect, upsample, downsample, align_corners)
    return fuse(b, maps, outputs, ways, gather, label="gates")


def _pass_gate(b: Builder, x: Value, at: int) -> Value:
    """A term times its gate, the convolution `gates.AT` of it."""
    with b.scope(f"@gate{at}"):
        gate = b.conv(f"gates.{at}", x, x.channels, bias=True)
        gate = b.add(f"sigmoid{at}", Activation("sigmoid"), gate)
        return b.add(f"multiply{at}", Multiply(), x, gate)
