"""Spec and weights in one file, saved and loaded without running any code from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from hrnet_graph.compiler.build import build_graph
from hrnet_graph.compiler.checkpoints.load import SAFE, check_suffix, fill, read_content
from hrnet_graph.compiler.passes.optimize import optimize
from hrnet_graph.compiler.passes.weights import apply
from hrnet_graph.compiler.source.write import to_source
from hrnet_graph.compiler.torch.build import empty_network, find_device
from hrnet_graph.compiler.torch.export import read_pt2, write_pt2
from hrnet_graph.compiler.torch.inference import (
    Optimization,
    check_optimization,
    optimize_for_inference,
    refuse_optimized,
)
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.errors import FileError, SpecError, quoted
from hrnet_graph.files import FORMAT, atomic_write, write_text
from hrnet_graph.spec.load import check
from hrnet_graph.spec.source import parse


def save(
    model: Network,
    path: str | Path,
    *,
    fixed_size: bool = False,
    batch: int | None = None,
    as_published: bool = False,
) -> None:
    """Writes a network by the file's suffix: spec and weights as `.pt`, `.safetensors` or `.onnx`,
    and with the exported program (`torch.export`) as `.pt2`.

    An `.onnx` is made for inference, with batch norm folded and the other passes that pay, unless
    `as_published`, and takes images of any size that the network does, unless `fixed_size`, and any
    number of them, unless `batch` says how many: engines run fastest what has one shape. It is in
    float16 where the network is, and in float32 otherwise.

    `.py` is the network without its weights, as readable source that needs torch alone.

    Raises `FileError` if the suffix is another one or the file cannot be written.

    Example:
        >>> hg.save(hg.build_module("hrnet_w18_small_v1_cls"), "net.safetensors")
    """
    suffix = check_suffix(path, tuple(WRITERS))
    options = check_options(suffix, fixed_size=fixed_size, batch=batch, as_published=as_published)
    refuse_optimized(model, FileError)
    left = None
    with atomic_write(path) as draft:
        WRITERS[suffix](model, draft, **options)
        if suffix == ".onnx":
            from hrnet_graph.compiler.onnx.file import stale_data_file

            left = stale_data_file(Path(path), draft)
    if left is not None:
        with suppress(OSError):
            left.unlink()


def check_options(suffix: str, **stated: int | None) -> dict[str, int]:
    """The options that are on. Raises `FileError` for a file of another kind than they are for."""
    options = {
        name: value for name, value in stated.items() if value is not None and value is not False
    }
    if options and suffix != ".onnx":
        names = " and ".join(name.replace("_", "-") for name in options)
        raise FileError(f"{names} is for .onnx alone, got {suffix}")
    return options


def _state(model: Network) -> dict[str, Tensor]:
    _check_values(model)
    return {key: value.detach().contiguous() for key, value in model.state_dict().items()}


def _check_values(model: Network) -> None:
    if any(value.is_meta for value in model.state_dict().values()):
        raise FileError(f"{model.graph.name} is on the meta device and has no values to save")


def arrays(model: Network) -> dict[str, NDArray[Any]]:
    """The weights for those who have no torch, as float32 what numpy or an engine lacks.

    numpy has no bfloat16, and ONNX Runtime no convolution in float64.
    """
    lacking = (torch.bfloat16, torch.float64)
    return {
        key: (value.float() if value.dtype in lacking else value).cpu().numpy()
        for key, value in _state(model).items()
    }


def _write_pickle(model: Network, draft: Path) -> None:
    content = {"format": FORMAT, "spec": model.graph.source, "state_dict": _state(model)}
    torch.save(content, draft)


def _write_safetensors(model: Network, draft: Path) -> None:
    save_file(_state(model), draft, metadata={"format": FORMAT, "spec": model.graph.source})


def _write_source(model: Network, draft: Path) -> None:
    write_text(draft, to_source(model.graph))


def _write_onnx(
    model: Network,
    draft: Path,
    fixed_size: bool = False,
    batch: int | None = None,
    as_published: bool = False,
) -> None:
    from hrnet_graph.compiler.onnx.file import write_onnx

    graph, weights = model.graph, arrays(model)
    if not as_published:
        done = optimize(graph, "openvino")
        graph, weights = done.graph, apply(done.moves, weights)
    write_onnx(graph, weights, draft, fixed_size=fixed_size, batch=batch)


def _write_program(model: Network, draft: Path) -> None:
    _check_values(model)
    write_pt2(model, draft)


WRITERS: Mapping[str, Callable[..., None]] = {
    ".pt": _write_pickle,
    **dict.fromkeys(SAFE, _write_safetensors),
    ".py": _write_source,
    ".onnx": _write_onnx,
    ".pt2": _write_program,
}
"""Suffix -> what writes a network to such a file, which may be for inference alone."""


def load(
    path: str | Path,
    *,
    device: torch.device | str | int | None = None,
    optimize: Optimization | None = None,
) -> Network:
    """The network that `save` wrote, with its weights.

    `device` is torch's default device where unstated; `optimize="inference"` gives the network as
    it runs fastest after training. Raises `FileError` if the file is not one of
    ours, is damaged, or its weights do not fit.
    """
    check_optimization(optimize)
    about, content = read_pt2(path) if Path(path).suffix.lower() == ".pt2" else read_content(path)
    source = about.get("spec")
    if about.get("format") != FORMAT or not isinstance(source, str):
        raise FileError(
            f"{quoted(str(path), 200)} holds no spec of ours",
            "build the network from a spec and give the file as weights instead",
        )
    try:
        graph = build_graph(check(parse(source, str(path))))
    except SpecError as error:
        raise FileError(f"{quoted(str(path), 200)} holds a spec that is wrong: {error}") from None
    network = empty_network(graph, find_device(device))
    fill(network, content, path)
    return optimize_for_inference(network, optimize) if optimize is not None else network
