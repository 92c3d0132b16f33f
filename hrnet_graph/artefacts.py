"""Every kind of file that a network becomes: one table from suffix to writer and reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hrnet_graph.checks import check_kind
from hrnet_graph.choices import FIGURES
from hrnet_graph.compiler.model import Model, about, spec_of
from hrnet_graph.engines.compiled import Compiled
from hrnet_graph.errors import FileError, HRNetGraphError
from hrnet_graph.files import check_suffix, check_writable, files_of, write_bytes

if TYPE_CHECKING:
    from hrnet_graph.compiler.torch.network import Network
    from hrnet_graph.compiler.torch.unwrap import Module

Kind = Literal["network", "graph", "figure"]
"""What a file holds: what `save` and `build`, what `graph`, and what `render` write."""


@dataclass(frozen=True)
class Artefact:
    """A kind of file. `write` takes what `save` does, or a `Model`, a path, and the options.

    Every writer writes the file whole or not at all. `weights` says whether it holds any.
    """

    suffix: str
    kind: Kind
    write: Callable[..., object]
    options: tuple[str, ...] = ()
    weights: bool = False

    def check_options(self, **stated: int | None) -> dict[str, int]:
        """The options that are on. Raises `FileError` for one that this kind of file has not."""
        given = {k: v for k, v in stated.items() if v is not None and v is not False}
        if strange := [name for name in given if name not in self.options]:
            names = " and ".join(name.replace("_", "-") for name in strange)
            rows = (row for row in ARTEFACTS if set(strange) <= set(row.options))
            fit = " or ".join(row.suffix for row in rows)
            raise FileError(f"{names} is for {fit} alone, got {self.suffix}")
        return given


def find_artefact(path: str | Path, kind: Kind) -> Artefact:
    """What a file of this name is. Raises `FileError`, with all that would do, if it is nothing."""
    rows = {row.suffix: row for row in ARTEFACTS if row.kind == kind}
    return rows[check_suffix(path, rows)]


def save(
    model: Module | Compiled | Model,
    path: str | Path,
    *,
    fixed_size: bool = False,
    batch: int | None = None,
    as_published: bool = False,
    float16: bool = False,
) -> None:
    """Writes a network by the file's suffix: spec and weights as `.pt`, `.safetensors` or `.onnx`,
    and with the exported program (`torch.export`) as `.pt2`.

    An `.onnx` is made for inference, with batch norm folded and the other passes that pay, unless
    `as_published`, and takes images of any size that the network does, unless `fixed_size`, and any
    number of them, unless `batch` says how many: engines run fastest what has one shape. It is in
    float16 where the network is, and in float32 otherwise.

    A `.param` is for ncnn, with the weights beside it as `.bin`: for inference, one image after
    another, of any size that the network takes, its weights in float16 where `float16` says so or
    the network is. The two hold no spec: ncnn opens them, and `load` does not.

    `.py` is the network without its weights, as readable source that needs torch alone.

    What torch.compile, DataParallel, DDP or a module of one's own wrapped is unwrapped. A detector
    of `hrnet_graph.detection` is saved whole, as `.pt` or `.safetensors`. A network that an engine
    runs in int8 is saved as `.onnx`, or as `.param` if that is ncnn. A file with a spec says which
    weights are random, if any is as it was drawn.

    Raises `FileError` if the suffix is another one, the file cannot be written or the weights are
    not those of the spec, and `HRNetGraphError` for a graph that comes from no spec.

    Example:
        >>> hg.save(hg.build_module("hrnet_w18_small_v1_cls"), "net.safetensors")
    """
    artefact = find_artefact(path, "network")
    switches = {"fixed_size": fixed_size, "as_published": as_published, "float16": float16}
    for name, value in switches.items():
        check_kind(name, value, bool, "give True or False")
    options = artefact.check_options(**switches, batch=batch)
    for each in files_of(path):
        check_writable(each)
    if isinstance(model, Compiled):
        _write_compiled(model, path, artefact.suffix, options)
        return
    artefact.write(model, path, **options)


def _write_pickle(model: Module | Model, path: str | Path) -> None:
    from hrnet_graph.compiler.checkpoints.files import contiguous, write_pickle
    from hrnet_graph.compiler.torch.unwrap import contents

    state, said = contents(_module(model))
    write_pickle({**said, "state_dict": contiguous(state)}, path)


def _write_safetensors(model: Module | Model, path: str | Path) -> None:
    from hrnet_graph.compiler.checkpoints.files import contiguous, write_safetensors
    from hrnet_graph.compiler.torch.unwrap import contents

    state, said = contents(_module(model))
    write_safetensors(contiguous(state), path, said)


def _module(model: Module | Model) -> Module:
    from hrnet_graph.compiler.torch.build import network_of

    return network_of(model) if isinstance(model, Model) else model


def _network(model: Module | Model) -> Network:
    from hrnet_graph.compiler.torch.unwrap import as_network

    return as_network(_module(model))


def _write_program(model: Module | Model, path: str | Path) -> None:
    from hrnet_graph.compiler.torch.export import write_pt2
    from hrnet_graph.compiler.torch.unwrap import contents

    network = _network(model)
    write_pt2(network, path, contents(network)[1])


def _write_source(model: Module | Model, path: str | Path) -> None:
    from hrnet_graph.compiler.source.write import to_source

    graph = model.graph if isinstance(model, Model) else _network(model).graph
    write_bytes(path, to_source(graph).encode())


def _write_onnx(
    model: Module | Model, path: str | Path, *, as_published: bool = False, **options: Any
) -> None:
    from hrnet_graph.compiler.onnx.file import write_onnx
    from hrnet_graph.compiler.torch.build import model_of, with_weights

    full = with_weights(model if isinstance(model, Model) else model_of(_network(model)))
    made = full if as_published else full.optimized("openvino")
    assert made.weights is not None
    write_onnx(made.graph, made.weights, path, about=about(full.graph, full.random), **options)


def _write_ncnn(model: Module | Model, path: str | Path, *, float16: bool = False) -> None:
    from hrnet_graph.compiler.ncnn.file import write_ncnn
    from hrnet_graph.compiler.ncnn.model import to_ncnn
    from hrnet_graph.compiler.torch.build import with_weights
    from hrnet_graph.compiler.torch.dense import arrays
    from hrnet_graph.compiler.torch.unwrap import expect_own_finite, held_state

    if isinstance(model, Model):
        late = with_weights(model).optimized_late("ncnn")
        write_ncnn(to_ncnn(*late, half=float16), path)
        return
    network = _network(model)
    state = held_state(network)
    full = Model(network.graph, arrays(state, exact=False))
    made = to_ncnn(*full.optimized_late("ncnn"), half=float16)
    late_keys = made.late  # what is multiplied for the file is looked at there
    expect_own_finite(network, {k: v for k, v in state.items() if k not in late_keys})
    look = partial(expect_own_finite, network, state) if late_keys else None
    write_ncnn(made, path, look)


def _write_compiled(
    compiled: Compiled, path: str | Path, suffix: str, options: Mapping[str, int]
) -> None:
    """Writes a network in int8 as the file that it is. Raises `HRNetGraphError` for any other."""
    name = compiled.graph.name
    if compiled.ncnn is None and not compiled.onnx:
        raise HRNetGraphError(
            f"{name} runs on {compiled.target} in {compiled.precision}, which no file keeps",
            "save the network, or what build_module makes of the spec, that it was compiled from",
        )
    kind = ".param" if compiled.ncnn else ".onnx"
    if suffix != kind or options:
        got = f"{suffix} {' '.join(options)}".strip()
        article = "an" if kind == ".onnx" else "a"
        raise FileError(f"{name} in int8 is {article} {kind} file as it is, got {got}")
    if compiled.ncnn:
        from hrnet_graph.compiler.ncnn.file import write_ncnn

        write_ncnn(compiled.ncnn, path)
        return
    spec_of(compiled.graph)
    write_bytes(path, compiled.onnx)


def _write_graphml(model: Model, path: str | Path) -> None:
    from hrnet_graph.viz.graph_data import to_graphml

    write_bytes(path, to_graphml(model.graph, about(model.graph)["spec"]))


def _write_node_link(model: Model, path: str | Path) -> None:
    from hrnet_graph.viz.graph_data import to_node_link

    write_bytes(path, to_node_link(model.graph, about(model.graph)["spec"]))


def _draw(model: Model, path: str | Path, **look: Any) -> None:
    from hrnet_graph.viz.render import render

    render(model.graph, path, **look)


ARTEFACTS: tuple[Artefact, ...] = (
    Artefact(".pt", "network", _write_pickle, weights=True),
    Artefact(".safetensors", "network", _write_safetensors, weights=True),
    Artefact(".py", "network", _write_source),
    Artefact(
        ".onnx", "network", _write_onnx, ("fixed_size", "batch", "as_published"), weights=True
    ),
    Artefact(".pt2", "network", _write_program, weights=True),
    Artefact(".param", "network", _write_ncnn, ("float16",), weights=True),
    Artefact(".graphml", "graph", _write_graphml),
    Artefact(".json", "graph", _write_node_link),
    Artefact(".dot", "graph", partial(_draw, view="op")),
    *(Artefact(suffix, "figure", _draw) for suffix in FIGURES),
)
"""All of them. What opens a network's file again is in `compiler/torch/build.py` and `engines/`."""
