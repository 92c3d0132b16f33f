"""The published classification head."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import Flatten, GlobalAveragePool, Linear
from hrnet_graph.rules.layers import conv_norm_act, halvings, separable_conv
from hrnet_graph.rules.options import Channels, PerBranch, SqueezeExcite
from hrnet_graph.rules.pyramid import pyramid


def classification(
    b: Builder,
    maps: Sequence[Value],
    *,
    classes: Channels,
    channels: PerBranch | None = None,
    features: Channels = 2048,
    bias: bool = True,
    depthwise: bool = False,
    squeeze_excite: SqueezeExcite | None = None,
) -> Value:
    """Widens every branch, sums them from fine to coarse, pools, and classifies.

    maps[i]: (C_i, H/2^i, W/2^i) -> (classes,) logits

    classes: Number of classes.
    channels: Inner widths of the bottlenecks, one a branch; 32 * 2^i where unstated.
    features: Width of the pooled vector.
    bias: Whether the descending and the final convolution have one (published: yes; timm's `_ssld`
    variants: no).
    depthwise: Whether the 3x3 convolutions see every channel alone; a 1x1 one follows those that
    descend (HRFormer).
    squeeze_excite: Weighs every channel of the bottlenecks by what all of the map says.

    Source: Wang et al., TPAMI 2020, section 3.4 and figure 4; for the layers,
    HRNet-Image-Classification, lib/models/cls_hrnet.py, `_make_head`.
    """
    widened = pyramid(b, maps, channels, depthwise, squeeze_excite)
    x = widened[0]
    for i, coarser in enumerate(widened[1:]):
        with b.scope("downsamp_modules", i, kind="block", branch=i + 1, label="downsample"):
            down = separable_conv if depthwise else partial(conv_norm_act, kernel=3)
            x = down(b, x, coarser.channels, stride=2 ** halvings(x, coarser), bias=bias)
        x = b.sum(f"sum{i}", coarser, x)
    with b.scope("final_layer", kind="block", branch=len(maps) - 1, label="final layer"):
        x = conv_norm_act(b, x, features, bias=bias)
    x = b.add("global_pool", GlobalAveragePool(), x)
    return b.add("classifier", Linear(classes), b.add("flatten", Flatten(), x))
