"""What the engines beside torch have in common: they read the network as an ONNX model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from hrnet_graph.compiler.onnx.model import to_onnx
from hrnet_graph.compiler.onnx.wire import MAX_BYTES
from hrnet_graph.compiler.passes.optimize import optimize
from hrnet_graph.compiler.passes.weights import apply
from hrnet_graph.compiler.torch.files import arrays
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.engines.compiled import Engine, EngineOptions, StartedEngine
from hrnet_graph.errors import HRNetGraphError

Source = bytes | str
"""An ONNX model, or the path of its file."""


def start(
    network: Network,
    order: EngineOptions,
    target: Literal["onnxruntime", "openvino"],
    open_model: Callable[[Source, EngineOptions], Engine],
) -> StartedEngine:
    """The network, optimized for an engine and opened by it.

    Raises `HRNetGraphError` for one that is too large.
    """
    done = optimize(network.graph, target)
    written = to_onnx(done.graph, apply(done.moves, arrays(network)))
    size = written.weight_bytes
    if size > MAX_BYTES:
        raise HRNetGraphError(
            f"{network.graph.name} has {size / 2**30:.1f} GiB of weights, and {target} takes 2 GiB"
        )
    model = b"".join(written.chunks())

    def run(source: bytes) -> Engine:
        return open_model(source, order)

    if order.precision == "int8":
        from hrnet_graph.engines import int8

        return int8.start(model, order.images, run)
    return StartedEngine(run(model))
