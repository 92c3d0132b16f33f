"""ONNX files, written whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from onnx import ModelProto, TensorProto
from onnx.external_data_helper import set_external_data

from hrnet_graph.compiler.onnx.emission import Array
from hrnet_graph.compiler.onnx.model import to_onnx
from hrnet_graph.files import whole_file
from hrnet_graph.ir.graph import Graph

MAX_BYTES = 2**31 - 2**20
"""Above how many bytes of weights they stand in a file of their own: protobuf stops at 2 GiB."""

ALIGNMENT = 4096
"""Where in that file a tensor may begin, in bytes, so that engines can map it into memory."""

KEPT = 1024
"""Up to how many bytes a tensor stays in the model: shapes have to, since they are read first."""


def write_onnx(
    graph: Graph,
    weights: Mapping[str, Array],
    path: str | Path,
    *,
    fixed_size: bool = False,
    max_bytes: int = MAX_BYTES,
) -> None:
    """Writes a network as `to_onnx` makes it.

    Where the weights take more than `max_bytes`, they go into `PATH.data` beside the model.
    Raises `FileError` if the file cannot be written, and what `to_onnx` raises.
    """
    model = to_onnx(graph, weights, fixed_size=fixed_size)
    with whole_file(path) as draft:
        if sum(len(tensor.raw_data) for tensor in model.graph.initializer) > max_bytes:
            _move_weights(model, draft.with_name(f"{draft.name}.data"))
        draft.write_bytes(model.SerializeToString(deterministic=True))


def _move_weights(model: ModelProto, path: Path) -> None:
    """Moves the model's weights, in place, into a file that it then refers to."""
    with path.open("wb") as file:
        for tensor in model.graph.initializer:
            if len(tensor.raw_data) <= KEPT:
                continue
            file.write(b"\0" * (-file.tell() % ALIGNMENT))
            offset, length = file.tell(), file.write(tensor.raw_data)
            set_external_data(tensor, path.name, offset, length)
            tensor.data_location = TensorProto.EXTERNAL
            tensor.ClearField("raw_data")
