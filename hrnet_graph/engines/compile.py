"""From a spec or a network to one that runs on an engine."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hrnet_graph.checks import checked_int
from hrnet_graph.compiler.torch.build import build_module
from hrnet_graph.compiler.torch.inference import InferenceNetwork
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.engines.calibration import Folder, Images
from hrnet_graph.engines.compiled import Compiled, EngineOptions
from hrnet_graph.engines.images import as_images
from hrnet_graph.engines.table import check_precision, check_threads, find_target
from hrnet_graph.errors import HRNetGraphError, quoted
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.sizes import ImageCheck
from hrnet_graph.spec.schema import MAX_EXTENT, Spec


def compile(
    spec: str | Path | Mapping[str, Any] | Spec | Graph | Network,
    target: str = "torch",
    precision: str = "f32",
    *,
    weights: str | Path | None = None,
    threads: int | None = None,
    input_size: tuple[int, int] | None = None,
    calibration: Iterable[Tensor] | str | Path | None = None,
) -> Compiled:
    """A network that an engine runs, for inference, called as the module is.

    `spec` is what `build_module` takes, or a network, which stays as it is. `target`
    is torch, torch-compile, onnxruntime or openvino; `precision` f32, bf16, f16 or int8, of those
    that the target has. `threads` is the engine's own choice where unstated. The engine is made
    ready for images of `input_size` (height, width), the spec's own where unstated, and readies
    itself for another size when it meets one. int8 is calibrated on `calibration`: batches as the
    network takes them, or a folder of images.

    Raises `SpecError` for a wrong spec, `FileError` for weights or images that cannot be used,
    `HRNetGraphError` for a target that is unknown or not installed, or lacks the precision.

    Example:
        >>> engine = hg.compile("hrnet_w18_small_v1_cls", target="torch", input_size=(64, 64))
        >>> engine(torch.zeros(2, 3, 64, 64)).shape
        torch.Size([2, 1000])
    """
    engine = find_target(target)
    known = check_precision(engine, precision)
    count = check_threads(threads)
    network = _network(spec, weights)
    size = _size(network.graph, input_size)
    ImageCheck(network.graph)((1, network.graph.input.type.channels, *size))
    images = _images(network.graph, calibration, size) if known == "int8" else ()
    running = engine.start(network, EngineOptions(network.graph, known, size, count, images))
    return Compiled(network.graph, target, known, running.run, running.layer_errors)


def _network(
    spec: str | Path | Mapping[str, Any] | Spec | Graph | Network, weights: str | Path | None
) -> Network:
    """The network, in float32, whose weights are only read."""
    if not isinstance(spec, Network):
        return build_module(spec, weights=weights)
    if weights is not None:
        raise HRNetGraphError("weights need a spec, got a network", "load them into the network")
    name = spec.graph.name
    if isinstance(spec, InferenceNetwork):
        raise HRNetGraphError(
            f"{name} is optimized for inference already",
            "compile the network that it was made from",
        )
    state = spec.state_dict().values()
    if any(value.is_meta for value in state):
        raise HRNetGraphError(f"{name} is on the meta device and has no values to run with")
    halves = any(value.is_floating_point() and value.dtype != torch.float32 for value in state)
    return copy.deepcopy(spec).float() if halves else spec


def _size(graph: Graph, stated: Any) -> tuple[int, int]:
    """The height and width that the engine is made ready for."""
    if stated is None:
        stated = graph.input.type.size
    if not isinstance(stated, Sequence) or isinstance(stated, str) or len(stated) != 2:
        raise HRNetGraphError(f"input_size: expected (height, width), got {quoted(stated)}")
    height, width = (checked_int("input_size", n, MAX_EXTENT, "pixels") for n in stated)
    return height, width


def _images(
    graph: Graph, calibration: Iterable[Tensor] | str | Path | None, size: tuple[int, int]
) -> Images:
    """The images that calibrate int8."""
    if calibration is None:
        raise HRNetGraphError(
            "int8 needs images to be calibrated on", "give calibration: batches, or a folder"
        )
    if isinstance(calibration, str | Path):
        return Folder(calibration, graph, size)
    try:
        given = iter(calibration)
    except TypeError:
        got = quoted(calibration)
        raise HRNetGraphError(f"calibration: expected batches or a folder, got {got}") from None
    check = ImageCheck(graph)
    batches = tuple(as_images(batch, graph.name, check) for batch in given)
    if not batches:
        raise HRNetGraphError("int8 needs images to be calibrated on, got none")
    if not all(map(len, batches)):
        raise HRNetGraphError("int8 needs images to be calibrated on, got an empty batch")
    if not all(batch.isfinite().all() for batch in batches):
        raise HRNetGraphError("int8 needs images of finite numbers to be calibrated on")
    return batches
