"""Weights that stand in several safetensors files, with an index of which key is in which."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from hrnet_graph.compiler.checkpoints.checksums import check_weights
from hrnet_graph.errors import FileError, quoted
from hrnet_graph.files import is_file
from hrnet_graph.spec.weights_file import CHECKSUM, read_about

SUFFIX = ".safetensors.index.json"
MAX_BYTES = 16 * 1024 * 1024


def is_index(path: str | Path) -> bool:
    """Whether a path is that of an index of safetensors files."""
    return str(path).lower().endswith(SUFFIX)


def load_shards(path: str | Path) -> dict[str, Tensor]:
    """The weights of all files that an index names, which stand beside it.

    Raises `FileError` if the index is none, names a file elsewhere, or a file lacks what it says.
    """
    where = quoted(str(path), 200)
    with Path(path).open("rb") as file:
        text = file.read(MAX_BYTES + 1)
    try:
        index = json.loads(text) if len(text) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        index = None
    places = index.get("weight_map") if isinstance(index, Mapping) else None
    if not isinstance(places, Mapping) or not places:
        raise FileError(f"{where}: expected an index of safetensors files, with `weight_map`")
    weights: dict[str, Tensor] = {}
    for name in sorted({str(name) for name in places.values()}):
        shard = Path(path).parent / name
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise FileError(f"{where}: expected files beside it alone, got {quoted(name)}")
        if not is_file(shard):
            raise FileError(f"{where}: the file {quoted(name)} that it names is not there")
        about, held = read_about(shard), load_file(shard)
        check_weights(held, about.get(CHECKSUM), shard)
        weights |= held
    if lacking := places.keys() - weights.keys():
        raise FileError(f"{where}: its files lack {quoted(min(lacking))}, which it names")
    return weights
