"""The transformer block, of which HRFormer is made."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Le

from hrnet_graph.errors import RuleError
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import Activation, LayerNorm, WindowAttention
from hrnet_graph.rules.layers import check_kept, dropped
from hrnet_graph.rules.options import Channels, DropRate

GELU = Activation("gelu")


def transformer(
    b: Builder,
    x: Value,
    channels: int,
    *,
    head_channels: Channels = 32,
    window: Annotated[int, Ge(1), Le(64)] = 7,
    mlp_ratio: Channels = 4,
    position_bias: bool = True,
    drop_path: DropRate = 0.0,
) -> Value:
    """Attention in windows, and two 1x1 convolutions around a depthwise one, each with a shortcut.

    x: (channels, H, W) -> (channels, H, W); `head_channels` divides `channels`

    head_channels: Channels of every head of the attention.
    window: Side of the windows in which pixels attend to each other.
    mlp_ratio: How many times wider the layers around the depthwise convolution are.
    position_bias: Whether attention adds what is learnt for each distance. HRFormer's published
    pose code holds it, and its weights have it, but nothing reads it there.
    drop_path: How often training drops what a shortcut passes, at the last block of the network; it
    grows with depth from 0.

    Source: Yuan et al., "HRFormer", NeurIPS 2021, section 3 and figure 2; for the layers, HRFormer,
    cls/models/modules/transformer_block.py and pose/mmpose/models/backbones/hrt.py.
    """
    check_kept(x, channels)
    if channels % head_channels:
        what = f"{channels} channels cannot be divided into heads of {head_channels}"
        sides = [n for n in range(1, min(channels, 64) + 1) if channels % n == 0]
        known = ", ".join(map(str, sides))
        raise RuleError(what, f"expected one of {known}", option=("head_channels",))
    b.reserve("attn", "norm1", "norm2", "mlp")
    y = b.add("norm1", LayerNorm(1e-6), x)
    with b.scope("attn"):
        y = b.add("attn", WindowAttention(channels // head_channels, window, position_bias), y)
    x = b.sum("sum1", x, dropped(b, "drop_path1", y, drop_path))
    y = b.add("norm2", LayerNorm(1e-6), x)
    with b.scope("mlp"):
        y = _mlp(b, y, mlp_ratio * channels)
    return b.sum("sum2", x, dropped(b, "drop_path2", y, drop_path))


def _mlp(b: Builder, x: Value, width: int) -> Value:
    """A 1x1, a depthwise 3x3 and a 1x1 convolution, each with bias, normalised and activated."""
    y = b.conv("fc1", x, width, bias=True)
    y = b.add("act1", GELU, b.norm("norm1", y))
    y = b.conv("dw3x3", y, width, 3, bias=True, groups=width)
    y = b.add("act2", GELU, b.norm("norm2", y))
    y = b.conv("fc2", y, x.channels, bias=True)
    return b.add("act3", GELU, b.norm("norm3", y))
