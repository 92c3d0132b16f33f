"""An ncnn network while it is written, layer by layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from hrnet_graph.compiler.names import Names
from hrnet_graph.compiler.ncnn.extents import Extents
from hrnet_graph.compiler.ncnn.layers import Layer, Value, Values, Weight, as_array
from hrnet_graph.compiler.state import Array, fitting_weight, learnt_keys, number_type
from hrnet_graph.errors import HRNetGraphError, quoted
from hrnet_graph.ir.graph import Graph, Node

MAX_NAME = 255
"""How many letters of a name ncnn reads."""

ACTIVATING = ("Convolution", "ConvolutionDepthWise", "Deconvolution", "InnerProduct")
"""The layers that compute an activation of their result."""


class Emission:
    """The layers that a graph has come to so far, and the names of its values.

    `shared` are the values that several nodes read, by what they are; `vectors` those of maps of
    one pixel that lie as vectors.

    A layer is named after the node that it is for, and so is its result: an output is renamed in
    the end, when all who read it are known.
    """

    def __init__(self, graph: Graph, weights: Mapping[str, Values]) -> None:
        self.graph = graph
        self.values: dict[str, str] = {}
        self.dtype = number_type(weights)
        self.shared: dict[str, str] = {}
        self.vectors: set[str] = set()
        self._layers: dict[str, Layer] = {}  # by the first of its results
        self._makers: dict[str, str] = {}  # result -> the first of its layer
        self._computed: dict[tuple[object, ...], str] = {}  # what a layer computes -> its result
        self._weights = weights
        self._names = Names([graph.input.key, *(name for name, _ in graph.outputs)])

    @cached_property
    def extents(self) -> Extents:
        """The maps by size."""
        return Extents(self.graph)

    def add(
        self,
        node: Node,
        kind: str,
        inputs: Sequence[str],
        part: str = "",
        weights: Sequence[Weight] = (),
        **parameters: Value,
    ) -> str:
        """Adds a layer and gives the name of its result.

        `part` tells apart the layers that one node takes; the last of them has none. What a layer
        without weights computes already is not computed again.
        """
        computes = (kind, *inputs, *parameters.items())
        if not weights and computes in self._computed:
            return self._computed[computes]
        name = self._names.take(f"{node.key}.{part}" if part else node.key)
        self._computed[computes] = name
        self._keep(Layer(kind, name, (*inputs,), (name,), parameters, (*weights,)))
        return name

    def add_slices(self, node: Node, x: str, counts: tuple[int, ...]) -> list[str]:
        """Adds a layer that takes a map apart, by channels; gives the names of the parts."""
        names = [self._names.take(f"{node.key}.{i}") for i in range(len(counts))]
        self._keep(Layer("Slice", names[0], (x,), (*names,), {"slices": counts, "axis": 0}))
        return names

    def add_vector(self, name: str) -> str:
        """Notes that a value is a vector, and gives its name."""
        self.vectors.add(name)
        return name

    def add_input(self, node: Node) -> str:
        """Adds the layer that hands in the image, of any size."""
        self._keep(Layer("Input", node.key, (), (node.key,), {}))
        return node.key

    def _keep(self, layer: Layer) -> None:
        self._makers |= dict.fromkeys(layer.outputs, layer.outputs[0])
        self._layers[layer.outputs[0]] = layer

    def state(self, node: Node) -> list[Array]:
        """The weights of a node, in order, without whole numbers."""
        return [*map(as_array, self.held(node))]

    def held(self, node: Node) -> list[Values]:
        """The same, products not yet multiplied."""
        learnt = learnt_keys(self.graph, node)
        return [
            fitting_weight(self.graph, self._weights, key, entry, self.dtype)
            for key, entry in learnt.items()
        ]

    def constant(self, key: str, values: Array) -> str:
        """The name of a constant, (C, H, W) or (C, D, H, W), written once for all who read it."""
        if key not in self.shared:
            name = self.shared[key] = self._names.take(key)
            axes = "cdhw" if values.ndim == 4 else "chw"
            extents = dict(zip(axes, values.shape, strict=True))
            self._keep(Layer("MemoryData", name, (), (name,), extents, (Weight(values),)))
        return self.shared[key]

    def activate(self, node: Node, number: int, factors: tuple[float, ...]) -> str | None:
        """The operand of a node, activated by the layer that computes it, or None if it cannot be.

        `number` is what ncnn calls the activation in a layer that computes something else.
        """
        name = self.values[node.inputs[0]]
        layer = self._layers[self._makers[name]]
        is_free = self.graph.owns_operand(node) and "activation_type" not in layer.parameters
        if layer.kind not in ACTIVATING or not is_free:
            return None
        how: dict[str, Value] = {"activation_type": number}
        if factors:
            how["activation_params"] = factors
        self._layers[name] = layer._replace(parameters={**layer.parameters, **how})
        return name

    def layers(self) -> list[Layer]:
        """All layers, outputs by their names, each value read once: others read copies of it."""
        readers = Counter(name for layer in self._layers.values() for name in layer.inputs)
        ends: dict[str, list[str]] = {name: [] for name in self._makers}
        for name, path in self.graph.outputs:
            ends[self.values[path]].append(name)
        take = self._names.take
        copies: dict[str, Iterator[str]] = {}
        found: list[Layer] = []
        for layer in self._layers.values():
            inputs = tuple(next(copies[each], each) for each in layer.inputs)
            split = {
                name: [
                    *(take(f"{name}.{i}") for i in range(readers[name])),
                    *ends[name],
                ]
                for name in layer.outputs
                if readers[name] + len(ends[name]) > 1 or (layer.kind == "Input" and ends[name])
            }
            outputs = tuple(
                ends[name][0] if ends[name] and name not in split else name
                for name in layer.outputs
            )
            found.append(layer._replace(inputs=inputs, outputs=outputs))
            for name in layer.outputs:
                copies[name] = iter(split.get(name, ())[: readers[name]])
            for name, parts in split.items():
                found.append(Layer("Split", take(f"{name}.split"), (name,), (*parts,), {}))
        _check_names(self.graph.name, found)
        return found


def _check_names(network: str, layers: Sequence[Layer]) -> None:
    """Raises `HRNetGraphError` for a name that ncnn would read as another, or as several."""
    for layer in layers:
        for name in (layer.name, *layer.outputs):
            if len(name) > MAX_NAME or name.split() != [name]:
                expected = f"a name of at most {MAX_NAME} letters, without spaces"
                raise HRNetGraphError(f"{network}: ncnn takes {expected}, got {quoted(name)}")


def as_floats(values: Array) -> Array:
    """The same numbers in float32, row by row."""
    return np.ascontiguousarray(values, np.float32)
