"""The neck of Lite-HRNet."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import BilinearResize
from hrnet_graph.rules.layers import conv_module


def iterative(b: Builder, maps: Sequence[Value]) -> list[Value]:
    """From coarse to fine, each map goes into the next by a separable convolution and upsampling.

    maps[i]: (C_i, H/2^i, W/2^i) -> result[i]: (C_(i-1), H/2^i, W/2^i), and (C_0, H, W) for i = 0

    Source: Lite-HRNet, models/backbones/litehrnet.py, `IterativeHead`.
    """
    result: list[Value] = []
    with b.scope("head_layer"):
        for step, x in enumerate(reversed(maps)):
            i = len(maps) - 1 - step
            with b.scope("projects", step, kind="block", branch=i, label="separable convolution"):
                if result:
                    finer = b.add("upsample", BilinearResize(align_corners=True), result[-1], x)
                    x = b.sum("sum", x, finer)
                with b.scope("depthwise_conv"):
                    x = conv_module(b, x, x.channels, kernel=3, groups=x.channels, act=None)
                with b.scope("pointwise_conv"):
                    x = conv_module(b, x, maps[max(i - 1, 0)].channels)
            result.append(x)
    return result[::-1]
