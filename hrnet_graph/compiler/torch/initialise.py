"""How weights start, as published."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from hrnet_graph.ir.graph import Graph, Initialisation


@torch.no_grad()
def initialise(state: Mapping[str, Tensor], graph: Graph) -> None:
    """Fills every entry of a graph's `state_dict` in place, in registration order.

    Source: HRNet-Image-Classification, lib/models/cls_hrnet.py, `init_weights` (kaiming);
    deep-high-resolution-net.pytorch, lib/models/pose_hrnet.py, `init_weights` (normal).
    """
    for node in graph.operations:
        entries = node.op.state(graph.operands(node))
        drawn = {e.name: state[f"{node.key}.{e.name}"] for e in entries if e.start is None}
        for entry in entries:
            if entry.start is not None:
                state[f"{node.key}.{entry.name}"].fill_(entry.start)
        if drawn:
            in_head = node.path.startswith("@head.")
            published = graph.head_init if in_head else graph.init
            _draw(drawn, published if node.op.family == "conv" else Initialisation("default"))


def _draw(own: Mapping[str, Tensor], how: Initialisation) -> None:
    """Fills a weight, and a bias where there is one, of a convolution or a linear layer."""
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
