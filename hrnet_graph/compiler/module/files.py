"""Spec and weights in one file, saved and loaded without running any code from it."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from hrnet_graph.compiler.build import build_graph
from hrnet_graph.compiler.module.build import empty_network, find_device
from hrnet_graph.compiler.module.checkpoint import SAFE, check_suffix, fill, read_content
from hrnet_graph.compiler.module.network import Network
from hrnet_graph.errors import FileError, SpecError, shown
from hrnet_graph.files import whole_file
from hrnet_graph.spec.load import check
from hrnet_graph.spec.source import parse

FORMAT = "hrnet-graph 1"
"""What marks a file of ours, and its version."""

SAVED = (".pt", *SAFE)
"""The suffixes of the files that `save` writes."""


def save(model: Network, path: str | Path) -> None:
    """Writes a network's spec and weights: `.pt` or `.safetensors`, by suffix.

    Raises `FileError` if the suffix is another one or the file cannot be written.
    """
    state = {key: value.detach().contiguous() for key, value in model.state_dict().items()}
    suffix = check_suffix(path, SAVED)
    if any(value.is_meta for value in state.values()):
        raise FileError(f"{model.graph.name} is on the meta device and has no values to save")
    with whole_file(path) as draft:
        if suffix in SAFE:
            save_file(state, draft, metadata={"format": FORMAT, "spec": model.graph.source})
        else:
            content = {"format": FORMAT, "spec": model.graph.source, "state_dict": state}
            torch.save(content, draft)


def load(path: str | Path, *, device: torch.device | str | int | None = None) -> Network:
    """The network that `save` wrote, with its weights.

    `device` is torch's default device where unstated. Raises `FileError` if the file is not one of
    ours, is damaged, or its weights do not fit.
    """
    about, content = read_content(path)
    source = about.get("spec")
    if about.get("format") != FORMAT or not isinstance(source, str):
        raise FileError(
            f"{shown(str(path), 200)} holds no spec of ours",
            "build the network from a spec and give the file as weights instead",
        )
    try:
        graph = build_graph(check(parse(source, str(path))))
    except SpecError as error:
        raise FileError(f"{shown(str(path), 200)} holds a spec that is wrong: {error}") from None
    network = empty_network(graph, find_device(device))
    fill(network, content, path)
    return network
