"""What was saved, opened again: a module, or a network on an engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_graph.compiler.build import build_graph
from hrnet_graph.compiler.torch import files
from hrnet_graph.compiler.torch.inference import Optimization, check_optimization
from hrnet_graph.engines.compile import compile  # noqa: A004
from hrnet_graph.engines.compiled import Compiled, EngineOptions, Shape
from hrnet_graph.engines.table import TARGETS, check_precision, check_threads, find_target
from hrnet_graph.errors import FileError, HRNetGraphError, SpecError, error_line, quoted
from hrnet_graph.files import FORMAT, is_file
from hrnet_graph.ir.graph import Graph
from hrnet_graph.spec.load import check
from hrnet_graph.spec.source import parse

if TYPE_CHECKING:
    import torch
    from onnx import ModelProto, ValueInfoProto

READERS = ("onnxruntime", "openvino")
"""The targets that open an ONNX file, the first that is installed by default."""


def load(
    path: str | Path,
    *,
    device: torch.device | str | int | None = None,
    target: str | None = None,
    precision: str = "f32",
    threads: int | None = None,
    optimize: Optimization | None = None,
) -> Any:
    """What `save` or `build -o` wrote: a `Network`, or one that `target` runs, as `compile` gives.

    An `.onnx` file is run by onnxruntime or openvino, whichever is there unless stated, in f32 or
    what the target computes in without calibration. `device` and `optimize="inference"`, which
    gives the network as it runs fastest after training, are for modules.

    Raises `FileError` if the file is not one of ours or is damaged, `HRNetGraphError` for a target
    that cannot run it.

    Example:
        >>> hg.save(hg.build_module("hrnet_w18_small_v1_cls"), "net.pt")
        >>> hg.load("net.pt", optimize="inference")(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 1000])
    """
    check_optimization(optimize)
    if (
        target is None
        and Path(path).suffix.lower() != ".onnx"
        and (precision, threads) != ("f32", None)
    ):
        raise HRNetGraphError("precision and threads are for engines", "give target as well")
    on_engine = target is not None or Path(path).suffix.lower() == ".onnx"
    if on_engine and (optimize or device is not None):
        raise HRNetGraphError(
            "device and optimize are for modules, got them for an engine's network",
            "every engine optimizes by itself; leave them out",
        )
    if Path(path).suffix.lower() == ".onnx":
        return _load_onnx(Path(path), target or _reader(), precision, threads)
    network = files.load(path, device=device, optimize=optimize)
    if target is None:
        return network
    return compile(network, target, precision, threads=threads)


def _reader() -> str:
    return next((name for name in READERS if not TARGETS[name].missing), READERS[0])


def _load_onnx(path: Path, target: str, precision: str, threads: int | None) -> Compiled:
    """A file of ours on an engine that reads such."""
    engine = find_target(target)
    if target not in READERS:
        raise HRNetGraphError(f"an .onnx file runs on {' or '.join(READERS)}, got {quoted(target)}")
    known = check_precision(engine, precision)
    count = check_threads(threads)
    if known == "int8":
        raise HRNetGraphError("int8 is made from weights", "load the .pt, or compile the spec")
    graph, shape = _open(path)
    height, width = graph.input.type.size
    order = EngineOptions(graph, known, (height, width), count)
    try:
        run = engine.open(str(path), order)
    except HRNetGraphError:
        raise
    except Exception as error:
        where = quoted(str(path), 200)
        raise FileError(f"{target} cannot open {where}: {error_line(error, line=-1)}") from None
    return Compiled(graph, target, known, run, shape=shape)


def _open(path: Path) -> tuple[Graph, Shape]:
    """The graph of the spec in an ONNX file, if the model is that graph's, and what it takes."""
    import onnx

    where = quoted(str(path), 200)
    if not is_file(path):
        raise FileError(f"no ONNX file at {where}")
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:
        raise FileError(f"{where} is damaged or no ONNX file: {error_line(error)}") from None
    about = {entry.key: entry.value for entry in model.metadata_props}
    if about.get("format") != FORMAT or "spec" not in about:
        raise FileError(
            f"{where} holds no spec of ours", "run it by its own engine, as any ONNX file"
        )
    try:
        graph = build_graph(check(parse(about["spec"], str(path))))
    except SpecError as error:
        raise FileError(f"{where} holds a spec that is wrong: {error}") from None
    if not _fits(model, graph):
        raise FileError(f"{where} holds a model that is not its spec's")
    return graph, _shape(model.graph.input[0])


def _fits(model: ModelProto, graph: Graph) -> bool:
    """Whether a model has the inputs, outputs and weights of a graph, as far as it says."""
    values = (*model.graph.input, *model.graph.output)
    ends = {graph.input.key: graph.input, **{name: graph[path] for name, path in graph.outputs}}
    state = graph.state()
    return (
        [value.name for value in values] == list(ends)
        and all(
            len(shape) == 1 + len(node.type.shape)
            and all(n in (None, m) for n, m in zip(shape[1:], node.type.shape, strict=True))
            for shape, node in zip(map(_shape, values), ends.values(), strict=True)
        )
        and all(
            tuple(weight.dims) == state[weight.name].shape
            for weight in model.graph.initializer
            if weight.name in state
        )
    )


def _shape(value: ValueInfoProto) -> Shape:
    """The batch and the extents of a value of a model, None where open."""
    return tuple(dim.dim_value or None for dim in value.type.tensor_type.shape.dim)
