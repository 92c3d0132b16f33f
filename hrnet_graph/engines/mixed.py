"""An ONNX model in int8 with some of its layers in float32 again."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import cached_property

import onnx
from onnx import ModelProto, NodeProto

from hrnet_graph.engines.int8 import LAYERS

CONVERSIONS = ("QuantizeLinear", "DequantizeLinear")


class Quantized:
    """A model in int8 as NNCF makes it: what layers and others read comes out of conversions."""

    def __init__(self, model: ModelProto) -> None:
        self.model = model
        self.made = {name: node for node in model.graph.node for name in node.output}
        self.held = {each.name for each in model.graph.initializer}

    @cached_property
    def layers(self) -> dict[str, NodeProto]:
        """The layers whose weights are in int8, by name, in order of execution."""
        return {node.name: node for node in self.model.graph.node if self._is_layer(node)}

    def _is_layer(self, node: NodeProto) -> bool:
        origins = (self.made[name] for name in node.input if name in self.made)
        return node.op_type in LAYERS and any(
            it.op_type in CONVERSIONS and it.input[0] in self.held for it in origins
        )

    @cached_property
    def source(self) -> dict[str, str]:
        """What comes out of a conversion -> the value that went in; weights apart."""
        return {
            node.output[0]: self.made[node.input[0]].input[0]
            for node in self.model.graph.node
            if node.op_type == "DequantizeLinear" and node.input[0] in self.made
        }

    def read_by(self, node: NodeProto) -> Iterator[str]:
        """The values that a node reads, as they were before they were converted."""
        for name in node.input:
            if name and name not in self.held:
                yield self.source.get(name, name)

    def in_int8(self, layers: AbstractSet[str]) -> set[str]:
        """The values that are in int8 where these layers are: what they read, and what is made of
        such values alone.
        """
        found, ends = set[str](), [name for key in layers for name in self.layers[key].input]
        while ends:  # conversions may stand before what is pooled, joined or resized on the way
            name = ends.pop()
            value = self.source.get(name, name)
            if name and name not in self.held and value not in found:
                found.add(value)
                maker = self.made.get(name)
                if name not in self.source and maker and maker.name not in self.layers:
                    ends.extend(maker.input)
        for node in self.model.graph.node:
            if node.name in self.layers:
                made = node.name in layers
            else:
                read = {*self.read_by(node)}
                made = bool(read) and found.issuperset(read)
            if made and node.op_type not in CONVERSIONS:
                found.update(node.output)
        return found


def quantized_layers(quantized: bytes) -> tuple[str, ...]:
    """The layers of a model whose weights are in int8, in order of execution."""
    return tuple(Quantized(onnx.load_from_string(quantized)).layers)


def keep(plain: bytes, quantized: bytes, layers: AbstractSet[str]) -> bytes:
    """The model in int8 with these of its layers alone, the others as they were before."""
    before = onnx.load_from_string(plain).graph
    given = Quantized(onnx.load_from_string(quantized))
    eights = given.in_int8(layers)
    as_before = {node.name: node for node in before.node}
    weights = {each.name: each for each in given.model.graph.initializer}
    given_weights = {each.name: each for each in before.initializer}
    for node in given.model.graph.node:
        if node.name in given.layers.keys() - layers:
            node.input[:] = as_before[node.name].input
            weights |= {n: given_weights[n] for n in node.input if n in given_weights}
        elif node.op_type not in CONVERSIONS and node.name not in layers:
            read = [given.source.get(name, name) for name in node.input]
            pairs = zip(node.input, read, strict=True)
            node.input[:] = [name if value in eights else value for name, value in pairs]
    graph = given.model.graph
    nodes, used = [], {output.name for output in graph.output}
    for node in reversed(graph.node):
        if not used.isdisjoint(node.output):
            nodes.append(node)
            used.update(node.input)
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(nodes))
    graph.initializer.extend(each for name, each in weights.items() if name in used)
    return bytes(given.model.SerializeToString())
