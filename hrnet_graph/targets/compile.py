"""From a spec or a network to one that runs on an engine."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from hrnet_graph.compiler.module.build import build_module
from hrnet_graph.compiler.module.network import Network
from hrnet_graph.errors import HRNetGraphError, shown
from hrnet_graph.ir.graph import Graph
from hrnet_graph.spec.schema import Spec
from hrnet_graph.targets.compiled import Compiled, Order
from hrnet_graph.targets.table import check_precision, find_target


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

    `spec` is what `build_module` takes, or a network, which is copied and stays as it is. `target`
    is torch, torch-compile, onnxruntime or openvino; `precision` f32, bf16, f16 or int8, of those
    that the target has. `threads` is the engine's own choice where unstated. The engine is made
    ready for images of `input_size` (height, width), the spec's own where unstated, and readies
    itself for another size when it meets one. int8 is calibrated on `calibration`: batches as the
    network takes them, or a folder of images.

    Raises `SpecError` for a wrong spec, `FileError` for weights or images that cannot be used,
    `HRNetGraphError` for a target that is unknown or not installed, or lacks the precision.
    """
    engine = find_target(target)
    known = check_precision(engine, precision)
    if threads is not None and threads < 1:
        raise HRNetGraphError(f"expected one thread or more, got {shown(threads)}")
    network = _network(spec, weights).eval()
    order = Order(network, known, input_size or _size(network.graph), threads)
    return Compiled(network.graph, target, known, engine.start(order))


def _network(
    spec: str | Path | Mapping[str, Any] | Spec | Graph | Network, weights: str | Path | None
) -> Network:
    """A network of the engine's own."""
    if not isinstance(spec, Network):
        return build_module(spec, weights=weights)
    if weights is not None:
        raise HRNetGraphError("weights need a spec, got a network", "load them into the network")
    return copy.deepcopy(spec)


def _size(graph: Graph) -> tuple[int, int]:
    height, width = graph.input.type.size
    return height, width
