"""torch's own compiler, which writes and builds C++ when the network first runs."""

from __future__ import annotations

import torch

from hrnet_graph.targets.compiled import Engine, Order
from hrnet_graph.targets.table import Precision
from hrnet_graph.targets.torch import TYPES, run_with


def precisions() -> tuple[Precision, ...]:
    """What torch computes a whole network in."""
    return tuple(TYPES)


def start(order: Order) -> Engine:
    """The network compiled as one graph, its weights taken for constants."""
    module = order.network.to(TYPES[order.precision])
    compiled = torch.compile(module, fullgraph=True, options={"freezing": True})
    return run_with(compiled, order)
