"""The transition of Lite-HRNet, of depthwise separable convolutions."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.layers import separable_conv


def separable(b: Builder, maps: Sequence[Value], widths: Sequence[int]) -> list[Value]:
    """Keeps a branch, widens it by a separable convolution, or starts a new one by strided ones.

    maps[i]: (C_i, H/2^i, W/2^i) -> result[i]: (widths[i], H/2^i, W/2^i)

    An existing branch whose width changes reads its own branch; a new branch reads the coarsest
    one. Branches beyond `widths` end here.

    Source: Lite-HRNet, models/backbones/litehrnet.py, `_make_transition_layer`.
    """
    result = []
    for i, width in enumerate(widths):
        with b.scope(i, kind="branch", branch=i):
            if i < len(maps):
                kept = maps[i].channels == width
                result.append(maps[i] if kept else separable_conv(b, maps[i], width))
                continue
            x = maps[-1]
            steps = i + 1 - len(maps)
            for step in range(steps):
                with b.scope(step):
                    out = width if step == steps - 1 else x.channels
                    x = separable_conv(b, x, out, stride=2)
            result.append(x)
    return result
