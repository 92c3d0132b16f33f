"""A model as the engines beside torch read it: as ONNX."""

from __future__ import annotations

from hrnet_graph.compiler.model import Model
from hrnet_graph.compiler.onnx.model import to_onnx
from hrnet_graph.compiler.onnx.wire import MAX_BYTES, OnnxModel
from hrnet_graph.compiler.passes.optimize import optimize
from hrnet_graph.compiler.passes.weights import apply
from hrnet_graph.engines.engine import Engine
from hrnet_graph.errors import HRNetGraphError


def to_portable(model: Model, engine: Engine) -> OnnxModel:
    """A model, its weights given, optimized for an engine, as an ONNX model in memory.

    Raises `HRNetGraphError` for one that is too large.
    """
    assert model.weights is not None
    done = optimize(model.graph, engine.tuned_for)
    written = to_onnx(done.graph, apply(done.moves, model.weights))
    if written.weight_bytes > MAX_BYTES:
        size = written.weight_bytes / 2**30
        raise HRNetGraphError(
            f"{model.graph.name} has {size:.1f} GiB of weights, and {engine.name} takes 2 GiB"
        )
    return written
