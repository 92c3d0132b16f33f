"""Spec and weights in one file, saved and loaded without running any code from it."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hrnet_graph.compiler.build import build_graph
from hrnet_graph.compiler.module.build import empty_network, find_device
from hrnet_graph.compiler.module.network import Network
from hrnet_graph.errors import FileError, SpecError, shown
from hrnet_graph.files import whole_file
from hrnet_graph.spec.load import check
from hrnet_graph.spec.source import parse

FORMAT = "hrnet-graph 1"
"""What marks a file of ours, and its version."""

PICKLED = (".pt", ".pth", ".tar")
SAFE = (".safetensors",)
WRITTEN = (".pt", *SAFE)


def save(model: Network, path: str | Path) -> None:
    """Writes a network's spec and weights: `.pt` or `.safetensors`, by suffix.

    Raises `FileError` if the suffix is another one or the file cannot be written.
    """
    state = {key: value.detach().contiguous() for key, value in model.state_dict().items()}
    suffix = _suffix(path, WRITTEN)
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
    content, state = _read(path)
    source = content.get("spec")
    if content.get("format") != FORMAT or not isinstance(source, str):
        raise FileError(
            f"{shown(str(path), 200)} holds no spec of ours",
            "build the network from a spec and give the file as weights instead",
        )
    try:
        graph = build_graph(check(parse(source, str(path))))
    except SpecError as error:
        raise FileError(f"{shown(str(path), 200)} holds a spec that is wrong: {error}") from None
    network = empty_network(graph, find_device(device))
    _fill(network, state, path)
    return network


def load_weights(model: Network, path: str | Path) -> None:
    """Fills a network from a weights file, in place; every key and shape must agree.

    Raises `FileError`, naming keys, if they do not.
    """
    _, state = _read(path)
    _fill(model, state, path)


def _fill(model: Network, state: Mapping[str, Tensor], path: str | Path) -> None:
    own = model.state_dict()
    missing = [key for key in own if key not in state]
    unexpected = [key for key in state if key not in own]
    other = [key for key in own if key in state and own[key].shape != state[key].shape]
    if missing or unexpected or other:
        found = (("missing", missing), ("unexpected", unexpected), ("of another shape", other))
        parts = [f"{len(keys)} {what} ({keys[0]}, ...)" for what, keys in found if keys]
        raise FileError(
            f"{shown(str(path), 200)} does not fit {model.graph.name}: {', '.join(parts)}"
        )
    model.load_state_dict(state)


def check_suffix(path: str | Path) -> None:
    """Raises `FileError` unless `save` can write a file of this name."""
    _suffix(path, WRITTEN)


def _suffix(path: str | Path, known: tuple[str, ...]) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        expected = " or ".join(known)
        raise FileError(
            f"expected a file name that ends in {expected}, got {shown(str(path), 200)}"
        )
    return suffix


def _read(path: str | Path) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
    """What a weights file holds beside the weights, and the weights."""
    suffix = _suffix(path, (*PICKLED, *SAFE))
    if not Path(path).is_file():
        raise FileError(f"no weights file at {shown(str(path), 200)}")
    try:
        if suffix in SAFE:
            with safetensors.safe_open(path, framework="pt") as file:
                return file.metadata() or {}, load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, safetensors.SafetensorError) as error:
        reason = str(error).partition("\n")[0]
        raise FileError(f"{shown(str(path), 200)} cannot be loaded safely: {reason}") from None
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise FileError(
            f"{shown(str(path), 200)} is damaged or no weights file: {reason}"
        ) from None
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise FileError(f"{shown(str(path), 200)} holds no state_dict")
    return cast(dict[str, Any], content), cast(dict[str, Tensor], state)
