"""An ONNX graph while it is written, node by node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, defs, helper

from hrnet_graph.compiler.names import Names
from hrnet_graph.compiler.onnx.wire import Array
from hrnet_graph.compiler.state import fitting_weight, learnt_keys, number_type
from hrnet_graph.errors import HRNetGraphError, quoted
from hrnet_graph.ir.graph import Graph, Node

OPSET = 18
"""The version of ONNX's operators that a model asks for, unless it needs a newer one."""


@cache
def opset_of(operator: str) -> int:
    """The version that has an operator, from `OPSET` on. Raises `HRNetGraphError` if none has."""
    for version in range(OPSET, defs.onnx_opset_version() + 1):
        if defs.has(operator, version):
            return version
    raise HRNetGraphError(f"ONNX {onnx.__version__} has no operator {quoted(operator)}")


class Emission:
    """The operators and initialisers that a graph has come to so far, and the names of its values.

    `opset` is the version of ONNX's operators that has them all.

    An operator is named after the node that it is for, and so is its result, unless that is an
    output, which has a name of its own. Initialisers have the names of the `state_dict`.
    """

    def __init__(
        self, graph: Graph, weights: Mapping[str, Array], fixed_size: bool, batch: int | None
    ) -> None:
        self.operators: list[NodeProto] = []
        self.opset = OPSET
        self.tensors: dict[str, Array] = {}
        self.values: dict[str, str] = {graph.input.path: graph.input.key}
        self.dtype = number_type(weights)
        self._graph = graph
        self._weights = weights
        self._fixed_size = fixed_size
        self._batch = batch
        self._outputs = {path: name for name, path in reversed(graph.outputs)}
        self._names = Names([graph.input.key, *weights, *(name for name, _ in graph.outputs)])
        self._shapes: dict[tuple[str, int, int], str] = {}
        self._constants: dict[str, str] = {}

    def add(
        self,
        node: Node,
        kind: str,
        inputs: Iterable[str],
        part: str = "",
        **attributes: Any,
    ) -> str:
        """Adds an operator and gives the name of its result.

        `part` tells apart the operators that one node takes; the last of them has none.
        """
        name = f"{node.key}.{part}" if part else node.key
        output = None if part else self._outputs.get(node.path)
        result = output or self._names.take(name)
        self.opset = max(self.opset, opset_of(kind))
        name = result if part else name
        self.operators.append(helper.make_node(kind, list(inputs), [result], name, **attributes))
        return result

    def state(self, node: Node) -> list[str]:
        """The initialisers that hold a node's state, in its order, without whole numbers."""
        learnt = learnt_keys(self._graph, node)
        for key, entry in learnt.items():
            self.tensors[key] = fitting_weight(self._graph, self._weights, key, entry, self.dtype)
        return [*learnt]

    def constant(self, value: float | str | tuple[int, ...] | tuple[float, ...]) -> str:
        """A constant: a number of the network's type, a shape, or factors; "" is left out."""
        if isinstance(value, str):
            return value
        if not isinstance(value, tuple):
            return self._constant(f"number_{value!r}", np.array(value, self.dtype))
        is_shape = all(isinstance(each, int) for each in value)
        name = "_".join(["extents" if is_shape else "scales", *(f"{each:g}" for each in value)])
        return self._constant(name, np.array(value, np.int64 if is_shape else np.float32))

    def vector(self, value: float, count: int) -> str:
        """A constant vector of one number, of the type that the network's numbers have."""
        return self._constant(f"vector_{value!r}_{count}", np.full(count, value, self.dtype))

    def array(self, name: str, values: Array) -> str:
        """A constant array, of the type that the network's numbers have."""
        return self._constant(name, values.astype(self.dtype))

    def matrix(self, key: str, constants: Mapping[str, tuple[tuple[int, ...], ...]]) -> str:
        """The initialiser that holds the whole numbers of an entry of the state."""
        self.tensors[key] = np.array(constants[key.rpartition(".")[2]], np.int64)
        return key

    def extents_of(self, node: Node, path: str, start: int, end: int) -> str:
        """Some dimensions of the value at `path`, the batch first, as a vector for `node`."""
        if self._fixed_size and (start > 0 or self._batch):
            return self.constant((self._batch or 0, *self._graph[path].type.shape)[start:end])
        known = (path, start, end)
        if known not in self._shapes:
            part = "shape" if start == 0 else "size"
            value = self.values[path]
            self._shapes[known] = self.add(node, "Shape", [value], part, start=start, end=end)
        return self._shapes[known]

    def factors(self, node: Node) -> tuple[int, int] | None:
        """By how much a node enlarges its first operand, if that is known and whole."""
        if not self._fixed_size:
            return None
        height, width = self._graph[node.inputs[0]].type.size
        new_height, new_width = node.type.size
        if new_height % height or new_width % width:
            return None
        return new_height // height, new_width // width

    def name_outputs(self) -> None:
        """Gives every output its name, also where it is the input or another output as well."""
        for name, path in self._graph.outputs:
            value = self.values[path]
            if value != name:
                self.operators.append(helper.make_node("Identity", [value], [name], name))

    def _constant(self, name: str, array: Array) -> str:
        if name not in self._constants:
            free = self._constants[name] = self._names.take(name)
            self.tensors[free] = array
        return self._constants[name]
