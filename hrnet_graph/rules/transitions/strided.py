"""The published transition between stages."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.layers import conv_norm_act


def strided(b: Builder, maps: Sequence[Value], widths: Sequence[int]) -> list[Value]:
    """Keeps a branch, widens it by a 3x3 convolution, or starts a new one by strided ones.

    maps[i]: (C_i, H/2^i, W/2^i) -> result[i]: (widths[i], H/2^i, W/2^i)

    An existing branch whose width changes reads its own branch; a new branch reads the coarsest
    one. Branches beyond `widths` end here.

    Source: HRNet-Image-Classification, lib/models/cls_hrnet.py; docs/adr/0003.
    """
    result = []
    for i, width in enumerate(widths):
        with b.scope(i, kind="branch", branch=i):
            if i < len(maps):
                kept = maps[i].channels == width
                result.append(maps[i] if kept else conv_norm_act(b, maps[i], width, kernel=3))
            else:
                result.append(_start(b, maps[-1], width, steps=i + 1 - len(maps)))
    return result


def _start(b: Builder, x: Value, width: int, steps: int) -> Value:
    """A new branch, `steps` halvings below x; the last of them changes the width."""
    for step in range(steps):
        with b.scope(step):
            x = conv_norm_act(b, x, width if step == steps - 1 else x.channels, 3, stride=2)
    return x
