"""The ConvNeXt block."""

from __future__ import annotations

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import Activation, LayerNorm, LayerScale
from hrnet_graph.rules.layers import check_kept, dropped
from hrnet_graph.rules.options import Channels, Dilation, DropRate, Kernel, Start


def convnext(
    b: Builder,
    x: Value,
    channels: int,
    *,
    kernel: Kernel = 7,
    dilation: Dilation = 1,
    mlp_ratio: Channels = 4,
    layer_scale: Start | None = 1e-6,
    drop_path: DropRate = 0.0,
) -> Value:
    """A depthwise convolution, layer normalisation, two 1x1 convolutions, and a shortcut.

    x: (channels, H, W) -> (channels, H, W)

    kernel: Side of the depthwise kernel, in pixels.
    dilation: The step in pixels from one number of the depthwise kernel to the next.
    mlp_ratio: How many times wider the map is between the 1x1 convolutions.
    layer_scale: Where the learnt factors start by which every channel is multiplied before the
    shortcut; none with `null`.
    drop_path: How often training drops what the shortcut passes, at the last block of the network;
    it grows with depth from 0.

    Source: Liu et al., "A ConvNet for the 2020s", CVPR 2022, figure 4; for the names, ConvNeXt,
    models/convnext.py, `Block`, but for `layer_scale.gamma`, which is `gamma` there.
    """
    check_kept(x, channels)
    y = b.conv("dwconv", x, channels, kernel, bias=True, groups=channels, dilation=dilation)
    y = b.conv("pwconv1", b.add("norm", LayerNorm(1e-6), y), mlp_ratio * channels, bias=True)
    y = b.conv("pwconv2", b.add("act", Activation("gelu"), y), channels, bias=True)
    if layer_scale is not None:
        y = b.add("layer_scale", LayerScale(layer_scale), y)
    return b.sum("sum", x, dropped(b, "drop_path", y, drop_path))
