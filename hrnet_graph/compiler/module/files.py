"""Spec and weights in one file, saved and loaded without running any code from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from hrnet_graph.compiler.build import build_graph
from hrnet_graph.compiler.module.build import empty_network, find_device
from hrnet_graph.compiler.module.checkpoint import SAFE, check_suffix, fill, read_content
from hrnet_graph.compiler.module.export import FORMAT, read_pt2, write_pt2
from hrnet_graph.compiler.module.network import Network
from hrnet_graph.errors import FileError, SpecError, shown
from hrnet_graph.files import whole_file
from hrnet_graph.spec.load import check
from hrnet_graph.spec.source import parse


def save(model: Network, path: str | Path) -> None:
    """Writes a network by the file's suffix: spec and weights as `.pt` or `.safetensors`, and with
    the exported program (`torch.export`) as `.pt2`.

    Raises `FileError` if the suffix is another one or the file cannot be written.
    """
    write = WRITERS[check_suffix(path, tuple(WRITERS))]
    if any(value.is_meta for value in model.state_dict().values()):
        raise FileError(f"{model.graph.name} is on the meta device and has no values to save")
    with whole_file(path) as draft:
        write(model, draft)


def _state(model: Network) -> dict[str, Tensor]:
    return {key: value.detach().contiguous() for key, value in model.state_dict().items()}


def _write_pickle(model: Network, draft: Path) -> None:
    content = {"format": FORMAT, "spec": model.graph.source, "state_dict": _state(model)}
    torch.save(content, draft)


def _write_safetensors(model: Network, draft: Path) -> None:
    save_file(_state(model), draft, metadata={"format": FORMAT, "spec": model.graph.source})


WRITERS: Mapping[str, Callable[[Network, Path], None]] = {
    ".pt": _write_pickle,
    **dict.fromkeys(SAFE, _write_safetensors),
    ".pt2": write_pt2,
}
"""Suffix -> what writes a network to such a file."""


def load(path: str | Path, *, device: torch.device | str | int | None = None) -> Network:
    """The network that `save` wrote, with its weights.

    `device` is torch's default device where unstated. Raises `FileError` if the file is not one of
    ours, is damaged, or its weights do not fit.
    """
    about, content = read_pt2(path) if Path(path).suffix.lower() == ".pt2" else read_content(path)
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
