"""ONNX files, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from onnx import TensorProto, load_model

from hrnet_graph.compiler.onnx.model import PRODUCER, to_onnx
from hrnet_graph.compiler.onnx.wire import MAX_BYTES, Array, describe, raw
from hrnet_graph.files import atomic_write
from hrnet_graph.ir.graph import Graph

ALIGNMENT = 4096
"""Where in that file a tensor may begin, in bytes, so that engines can map it into memory."""

KEPT = 1024
"""Up to how many bytes a tensor stays in the model: shapes have to, since they are read first."""

MAX_MODEL = 2**28
"""How large a model without its weights is at most, in bytes: no larger one is read again."""


def write_onnx(
    graph: Graph,
    weights: Mapping[str, Array],
    path: str | Path,
    *,
    fixed_size: bool = False,
    batch: int | None = None,
    about: Mapping[str, str] = MappingProxyType({}),
    max_bytes: int = MAX_BYTES,
) -> None:
    """Writes a network as `to_onnx` makes it.

    Where the weights take more than `max_bytes`, they go into `PATH.data` beside the model; what
    the model before had there, and nothing reads any more, is removed.
    Raises `FileError` if the file cannot be written, and what `to_onnx` raises.
    """
    model = to_onnx(graph, weights, fixed_size=fixed_size, batch=batch, about=about)
    with atomic_write(path) as draft:
        if model.weight_bytes > max_bytes:
            model = replace(model, elsewhere=_write_weights(model.tensors, _data_file(draft)))
        with draft.open("wb") as file:
            file.writelines(model.chunks())
        left = _stale_data_file(Path(os.path.realpath(path)), draft)
    if left is not None:
        with suppress(OSError):
            left.unlink()


def _stale_data_file(path: Path, draft: Path) -> Path | None:
    """The weights beside a model at `path` that nothing reads once `draft` takes its place.

    None where we did not write both, or where the draft has its own.
    """
    weights = _data_file(path)
    try:
        is_kept = _data_file(draft).exists() or not weights.is_file()
        if is_kept or path.stat().st_size > MAX_MODEL:
            return None
        model = load_model(path, load_external_data=False)
    except Exception:  # whatever stands there: what cannot be read is not ours
        return None
    entries = [entry for tensor in model.graph.initializer for entry in tensor.external_data]
    places = {entry.value for entry in entries if entry.key == "location"}
    return weights if model.producer_name == PRODUCER and places == {weights.name} else None


def _data_file(path: Path) -> Path:
    """Where the weights of a model stand that has none in it."""
    return path.with_name(f"{path.name}.data")


def _write_weights(tensors: Mapping[str, Array], path: Path) -> dict[str, TensorProto]:
    """Writes the larger tensors into a file of their own, and says how a model refers to them."""
    elsewhere = {}
    with path.open("wb") as file:
        for name, array in tensors.items():
            if array.nbytes <= KEPT:
                continue
            file.write(b"\0" * (-file.tell() % ALIGNMENT))
            where = {"location": path.name, "offset": file.tell(), "length": array.nbytes}
            elsewhere[name] = describe(name, array)
            elsewhere[name].data_location = TensorProto.EXTERNAL
            for key, value in where.items():
                elsewhere[name].external_data.add(key=key, value=str(value))
            file.write(raw(array))
    return elsewhere
