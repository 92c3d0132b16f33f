"""How weights start, as published."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from hrnet_graph.ir.graph import Graph, Initialisation


@torch.no_grad()
def initialise(network: nn.Module, graph: Graph) -> None:
    """Fills every parameter and buffer of a graph's module in place, in registration order.

    Source: HRNet-Image-Classification, lib/models/cls_hrnet.py, `init_weights` (kaiming);
    deep-high-resolution-net.pytorch, lib/models/pose_hrnet.py, `init_weights` (normal).
    """
    for node in graph.operations:
        layer: Any = network.get_submodule(node.key)
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            in_head = node.path.startswith("@head.")
            _initialise_conv(layer, graph.head_init if in_head else graph.init)
        elif node.op.state(graph.operands(node)):
            layer.reset_parameters()


def _initialise_conv(conv: nn.Conv2d | nn.ConvTranspose2d, how: Initialisation) -> None:
    if how.conv == "kaiming":
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    elif how.conv == "lecun":
        nn.init.kaiming_normal_(conv.weight, nonlinearity="linear")
    elif how.conv == "normal":
        nn.init.normal_(conv.weight, std=how.std)
    else:
        nn.init.kaiming_uniform_(conv.weight, a=math.sqrt(5))
    if conv.bias is None:
        return
    if how.conv_bias == "zero":
        nn.init.zeros_(conv.bias)
    else:
        fan_in = conv.weight[0].numel()
        nn.init.uniform_(conv.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))
