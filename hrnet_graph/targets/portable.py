"""A network as the ONNX model that engines beside torch read."""

from __future__ import annotations

from typing import Literal

from hrnet_graph.compiler.module.files import arrays
from hrnet_graph.compiler.module.network import Network
from hrnet_graph.compiler.onnx.model import to_onnx
from hrnet_graph.compiler.passes.optimise import optimise
from hrnet_graph.compiler.weights.moves import apply
from hrnet_graph.errors import HRNetGraphError

MAX_BYTES = 2**31 - 2**20
"""How large a model in memory may be: protobuf stops at 2 GiB."""


def portable(network: Network, target: Literal["onnxruntime", "openvino"]) -> bytes:
    """A network, optimised for an engine, as the bytes of an ONNX model for any batch and size.

    Raises `HRNetGraphError` for one that is too large.
    """
    done = optimise(network.graph, target)
    weights = apply(done.moves, arrays(network))
    size = sum(value.nbytes for value in weights.values())
    if size > MAX_BYTES:
        raise HRNetGraphError(
            f"{network.graph.name} has {size / 2**30:.1f} GiB of weights, and {target} takes 2 GiB"
        )
    return bytes(to_onnx(done.graph, weights).SerializeToString())
