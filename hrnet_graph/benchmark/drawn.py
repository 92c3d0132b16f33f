"""Random weights with which results depend on the image, in numbers that float16 holds too.

Those that a network starts training with give of many an output of one number, 1e-10 or 1e7.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hrnet_graph.compiler.model import Model
from hrnet_graph.compiler.torch.build import with_weights
from hrnet_graph.ir.graph import Graph


def drawn_model(graph: Graph, seed: int) -> Model:
    """The network of a graph: layers that halve the variance, and norms that change it little."""
    model, draw = with_weights(Model(graph)), np.random.default_rng(seed)
    weights = dict(model.weights or {})
    for key, entry in graph.state().items():
        if not entry.shape or entry.is_constant:
            continue
        if len(entry.shape) > 1:
            values = draw.random(entry.shape, np.float32)
            values -= 0.5  # of variance 1 / 12
            values *= (6 / np.prod(entry.shape[1:])) ** 0.5
        elif entry.name in ("weight", "running_var"):
            values = draw.uniform(0.5, 1.5, entry.shape).astype(np.float32)
        else:
            values = draw.normal(0, 0.1, entry.shape).astype(np.float32)
        weights[key] = values
    return replace(model, weights=weights)
