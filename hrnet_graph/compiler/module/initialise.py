"""How weights start, as published."""

from __future__ import annotations

import math

import torch
from torch import nn

from hrnet_graph.ir.graph import Initialisation


@torch.no_grad()
def initialise(module: nn.Module, how: Initialisation) -> None:
    """Fills every parameter and buffer of a module in place, in registration order.

    Source: HRNet-Image-Classification, lib/models/cls_hrnet.py, `init_weights` (kaiming);
    deep-high-resolution-net.pytorch, lib/models/pose_hrnet.py, `init_weights` (normal).
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            _initialise_conv(layer, how)
        elif isinstance(layer, nn.BatchNorm2d | nn.GroupNorm | nn.Linear):
            layer.reset_parameters()


def _initialise_conv(conv: nn.Conv2d, how: Initialisation) -> None:
    if how.conv == "kaiming":
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    else:
        nn.init.normal_(conv.weight, std=how.std)
    if conv.bias is None:
        return
    if how.conv_bias == "zero":
        nn.init.zeros_(conv.bias)
    else:
        fan_in = conv.weight[0].numel()
        nn.init.uniform_(conv.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))
