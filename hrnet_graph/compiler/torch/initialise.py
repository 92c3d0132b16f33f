"""How weights start, as published."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from hrnet_graph.ir.graph import Graph, Initialisation
from hrnet_graph.ir.ops import Conv2d, ConvTranspose2d, Linear


@torch.no_grad()
def initialise(state: Mapping[str, Tensor], graph: Graph) -> None:
    """Fills every entry of a graph's `state_dict` in place, in registration order.

    Source: HRNet-Image-Classification, lib/models/cls_hrnet.py, `init_weights` (kaiming);
    deep-high-resolution-net.pytorch, lib/models/pose_hrnet.py, `init_weights` (normal).
    """
    for node in graph.operations:
        own = {
            entry.name: state[f"{node.key}.{entry.name}"]
            for entry in node.op.state(graph.operands(node))
        }
        if isinstance(node.op, Conv2d | ConvTranspose2d):
            in_head = node.path.startswith("@head.")
            _initialise(own, graph.head_init if in_head else graph.init)
        elif isinstance(node.op, Linear):
            _initialise(own, Initialisation("default"))
        else:
            for name, value in own.items():
                value.fill_(name in ("weight", "running_var"))


def _initialise(own: Mapping[str, Tensor], how: Initialisation) -> None:
    """Fills weight and bias of a convolution or a linear layer."""
    weight, bias = own["weight"], own.get("bias")
    if how.conv == "kaiming":
        nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu")
    elif how.conv == "lecun":
        nn.init.kaiming_normal_(weight, nonlinearity="linear")
    elif how.conv == "normal":
        nn.init.normal_(weight, std=how.std)
    else:
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is None:
        return
    if how.conv_bias == "zero":
        nn.init.zeros_(bias)
    else:
        fan_in = weight[0].numel()
        nn.init.uniform_(bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))
