"""torch's own compiler, which writes and builds C++ when the network first runs."""

from __future__ import annotations

import torch

from hrnet_graph.targets.compiled import Engine, Order
from hrnet_graph.targets.torch import TYPES, run_with


def start(order: Order) -> Engine:
    """The network compiled as one graph, its weights taken for constants."""
    module = order.network.to(TYPES[order.precision])
    compiled = torch.compile(module, fullgraph=True, options={"freezing": True})
    return run_with(compiled, order)
