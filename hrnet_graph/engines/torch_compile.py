"""torch's own compiler, which writes and builds C++ when the network first runs."""

from __future__ import annotations

import torch

from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.engines.compiled import EngineOptions, StartedEngine
from hrnet_graph.engines.torch import for_inference, run_with


def start(network: Network, order: EngineOptions) -> StartedEngine:
    """The network compiled as one graph, its weights taken for constants."""
    module = for_inference(network, order.precision)
    compiled = torch.compile(module, fullgraph=True, options={"freezing": True})
    return StartedEngine(run_with(compiled, order))
