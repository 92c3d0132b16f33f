"""torch's own compiler, which writes and builds C++ when the network first runs."""

from __future__ import annotations

import torch

from hrnet_graph.compiler.model import Model
from hrnet_graph.engines.engine import EngineOptions, Run
from hrnet_graph.engines.torch import for_inference, run_with


def start(model: Model, options: EngineOptions) -> Run:
    """The network compiled as one graph, its weights taken for constants."""
    module = for_inference(model, options)
    compiled = torch.compile(module, fullgraph=True, options={"freezing": True})
    return run_with(compiled, options)
