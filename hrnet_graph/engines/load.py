"""What was saved, opened again: a module, or a network on an engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, overload

from hrnet_graph.compiler.model import graph_of_file
from hrnet_graph.compiler.random_weights import read_random
from hrnet_graph.engines.compiled import Compiled, Shape
from hrnet_graph.engines.engine import AUTO, OWN, EngineOptions, choose_engine
from hrnet_graph.errors import FileError, HRNetGraphError, error_line, quoted
from hrnet_graph.extras import loading
from hrnet_graph.files import is_file
from hrnet_graph.ir.graph import Graph
from hrnet_graph.precision import Precision, PrecisionName

if TYPE_CHECKING:
    import torch
    from onnx import ModelProto, ValueInfoProto

    from hrnet_graph.compiler.torch.inference import Optimization
    from hrnet_graph.compiler.torch.network import Network

READERS = tuple(name for name, engine in OWN.items() if engine.reads == "onnx")
"""Our engines that open an ONNX file, the first that is installed by default."""


@overload
def load(
    path: str | Path,
    *,
    device: torch.device | str | int | None = None,
    target: None = None,
    precision: PrecisionName = "float32",
    threads: int | None = None,
    optimize: Optimization | None = None,
) -> Network: ...


@overload
def load(
    path: str | Path,
    *,
    device: None = None,
    target: str,
    precision: PrecisionName = "float32",
    threads: int | None = None,
    optimize: None = None,
) -> Compiled: ...


def load(
    path: str | Path,
    *,
    device: torch.device | str | int | None = None,
    target: str | None = None,
    precision: PrecisionName = "float32",
    threads: int | None = None,
    optimize: Optimization | None = None,
) -> Network | Compiled:
    """What `save` or `build -o` wrote: a `Network`, or one that `target` runs, as `compile` gives.

    `device` and `optimize="inference"`, which gives the network as it runs fastest after training,
    are for modules; `target`, `precision` and `threads` as in `load_engine`, which also says what
    becomes of an `.onnx` file, whether a target is given or not.

    Raises `FileError` if the file is not one of ours or is damaged, `HRNetGraphError` for a target
    that cannot run it.

    Example:
        >>> hg.save(hg.build_module("hrnet_w18_small_v1_cls"), "net.pt")
        >>> hg.load("net.pt", optimize="inference")(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 1000])
    """
    on_engine = target is not None or Path(path).suffix.lower() == ".onnx"
    if on_engine and optimize is None and device is None:
        return load_engine(path, target, precision, threads=threads)
    from hrnet_graph.compiler.torch.build import load_network
    from hrnet_graph.compiler.torch.inference import check_optimization

    check_optimization(optimize)
    if on_engine:
        raise HRNetGraphError(
            "device and optimize are for modules, got them for an engine's network",
            "every engine optimizes by itself; leave them out",
        )
    if (precision, threads) != ("float32", None):
        raise HRNetGraphError("precision and threads are for engines", "give target as well")
    return load_network(path, device=device, optimize=optimize)


def load_engine(
    path: str | Path,
    target: str | None = None,
    precision: PrecisionName = "float32",
    *,
    threads: int | None = None,
) -> Compiled:
    """What `save` or `build -o` wrote, on an engine, as `compile` gives.

    An `.onnx` file is run by onnxruntime or openvino, whichever is there unless stated, in float32
    or what the target computes in without calibration. Raises as `load` does.

    Example:
        >>> hg.save(hg.build_module("hrnet_w18_small_v1_cls"), "net.pt")
        >>> hg.load_engine("net.pt", target="torch")(torch.zeros(1, 3, 224, 224)).shape
        torch.Size([1, 1000])
    """
    if Path(path).suffix.lower() == ".onnx":
        return _open_onnx(Path(path), target, precision, threads)
    from hrnet_graph.compiler.torch.build import open_graph
    from hrnet_graph.engines.compile import compile  # noqa: A004 (the name that users know)

    target = target or "torch"
    if target != AUTO and choose_engine(target, precision, threads)[1] == "int8":
        what = f"{quoted(str(path), 200)} holds no int8: that is calibrated on images"
        raise HRNetGraphError(what, "give calibration to hg.compile(hg.load(...), target, 'int8')")
    return compile(open_graph(path), target, precision, threads=threads)


def _open_onnx(path: Path, target: str | None, precision: str, threads: int | None) -> Compiled:
    """A file on an engine. Raises `FileError` for one that is not ours or that it cannot open."""
    name = target or next((name for name in READERS if not OWN[name].missing), READERS[0])
    if name == AUTO:
        raise HRNetGraphError(f"an .onnx file runs on {' or '.join(READERS)}, got {quoted(name)}")
    engine, known, count, _ = choose_engine(name, precision, threads)
    if engine.reads != "onnx":
        raise HRNetGraphError(f"an .onnx file runs on {' or '.join(READERS)}, got {quoted(name)}")
    if known == "int8":
        raise HRNetGraphError("int8 is made from weights", "compile the .pt or the spec")
    graph, shape, said = _read(path)
    height, width = graph.input.type.size
    try:
        with loading():
            run = engine.open(str(path), EngineOptions(known, (height, width), count))
    except HRNetGraphError:
        raise
    except Exception as error:
        where = quoted(str(path), 200)
        raise FileError(f"{name} cannot open {where}: {error_line(error, line=-1)}") from None
    held: Precision = "int8" if said.get("precision") == "int8" else known
    return Compiled(graph, name, held, run, shape=shape, random=read_random(said.get("weights")))


def _read(path: Path) -> tuple[Graph, Shape, Mapping[str, str]]:
    """The graph of the spec in an ONNX file, if it is the model's; what that takes and says."""
    import onnx

    where = quoted(str(path), 200)
    if not is_file(path):
        raise FileError(f"no ONNX file at {where}")
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:
        raise FileError(f"{where} is damaged or no ONNX file: {error_line(error)}") from None
    said = {entry.key: entry.value for entry in model.metadata_props}
    graph = graph_of_file(said, path, "run it by its own engine, as any ONNX file")
    if not _fits(model, graph):
        raise FileError(f"{where} holds a model that is not its spec's")
    return graph, _shape(model.graph.input[0]), said


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
