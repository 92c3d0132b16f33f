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
        return b.activation("act", b.sum("sum", *terms))

    ways = Ways(connect, upsample, downsample, align_corners)
    return fuse(b, maps, outputs, ways, gather, label="gates", treat=_pass_gate)


def _pass_gate(b: Builder, x: Value, is_own: bool) -> Value:
    """A term times its gate."""
    gate = b.add("gate", Activation("sigmoid"), b.conv("weigh", x, x.channels, bias=True))
    return b.add("multiply", Multiply(), x, gate)
