"""A graph and its weights as an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from onnx import GraphProto, ModelProto, ValueInfoProto, helper

from hrnet_graph.checks import checked_int
from hrnet_graph.compiler.onnx.emission import Emission
from hrnet_graph.compiler.onnx.emitters import emit
from hrnet_graph.compiler.onnx.wire import Array, OnnxModel
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.sizes import open_types
from hrnet_graph.ir.types import TensorType
from hrnet_graph.version import __version__

PRODUCER = "hrnet-graph"
"""Who made a model, as it says itself."""

Dims = tuple[int | str, ...]
BATCH = "batch"
AXES = ("channels", "height", "width")
"""What dimensions are called that are no numbers: of a batch, and of the image."""

MAX_BATCH = 65536
"""How many images a model may be made for."""


def to_onnx(
    graph: Graph,
    weights: Mapping[str, Array],
    *,
    fixed_size: bool = False,
    batch: int | None = None,
    about: Mapping[str, str] = MappingProxyType({}),
) -> OnnxModel:
    """A network as an ONNX model, for any size unless `fixed_size`, and any batch unless `batch`.

    input: (batch, C, height, width) -> the graph's outputs, by their names

    `weights` are the values of `graph.state()` by key, counters excepted, of one floating-point
    type, which becomes that of input and outputs. A network whose weights go with one size alone,
    because a linear layer reads every pixel, has that size in any case. `about` is what a file
    says of itself.

    Raises `HRNetGraphError` if `batch` is no number of images, if weights are missing or do not
    fit, or if an op has no ONNX form.
    """
    if batch is not None:
        batch = checked_int("batch", batch, MAX_BATCH, "images")
    other = None if fixed_size else open_types(graph)
    emission = Emission(graph, weights, fixed_size=other is None, batch=batch)
    for node in graph.order:
        if node.path != graph.input.path:
            emission.values[node.path] = emit(emission, node)
    emission.name_outputs()
    ends = {graph.input.key: graph.input.path, **dict(graph.outputs)}
    inner = {value: path for path, value in emission.values.items() if value not in ends}
    number = helper.np_dtype_to_tensor_dtype(emission.dtype)
    shapes = dims(graph, other, batch)
    first, *last = _describe(ends, shapes, number)
    body = helper.make_graph(
        emission.operators, graph.name, [first], last, value_info=_describe(inner, shapes, number)
    )
    return OnnxModel(_header(emission.opset, about), body, emission.tensors)


def _describe(
    values: Mapping[str, str], shapes: Mapping[str, Dims], number: int
) -> list[ValueInfoProto]:
    """The type of each value, by its name and the path of the node whose result it is."""
    return [
        helper.make_tensor_value_info(value, number, shapes[path]) for value, path in values.items()
    ]


def _header(opset: int, about: Mapping[str, str]) -> ModelProto:
    """The model around the graph: which versions its operators need, and what it says of itself."""
    versions = [helper.make_opsetid("", opset)]
    model = helper.make_model(
        GraphProto(),
        opset_imports=versions,
        ir_version=helper.find_min_ir_version_for(versions),
        producer_name=PRODUCER,
        producer_version=__version__,
    )
    model.ClearField("graph")
    helper.set_model_props(model, dict(about))
    return model


def dims(
    graph: Graph, other: Mapping[str, TensorType] | None, batch: int | None = None
) -> dict[str, Dims]:
    """The dimensions of every node's result, the batch first: path -> numbers and names.

    `other` are the open types; what differs there is called by a name, that of the operand of its
    size if there is one, and equal names are equal numbers for every image that the network takes.
    Without, all sizes are numbers.
    """
    same: dict[str, str] = {}
    found: dict[str, Dims] = {}
    for node in graph.order:
        shape, lender = node.type.shape, node.op.lender
        names: Dims = tuple(f"{node.key}_{axis}" for axis in AXES)
        if node is graph.input:
            names = AXES
        elif lender is not None:
            names = (names[0], *found[node.inputs[lender]][1:])
        varies = other[node.path].shape if other else shape
        found[node.path] = tuple(
            n if n == m else name for n, m, name in zip(shape, varies, names, strict=False)
        )
        if lender == 0:
            _equate(same, [found[path][1:] for path in node.inputs])
    first = batch or BATCH
    return {path: (first, *(_first(same, n) for n in shape)) for path, shape in found.items()}


def _equate(same: dict[str, str], sizes: list[Dims]) -> None:
    """Notes that maps which are read together have one height and one width."""
    for axis in zip(*sizes, strict=True):
        first = _first(same, axis[0])
        for name in axis[1:]:
            last = _first(same, name)
            if isinstance(last, str) and isinstance(first, str) and last != first:
                same[last] = first


def _first(same: Mapping[str, str], name: int | str) -> int | str:
    """The name that stands for all that are equal to this one."""
    while isinstance(name, str) and name in same:
        name = same[name]
    return name
