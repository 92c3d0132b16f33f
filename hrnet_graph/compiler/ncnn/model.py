"""A graph and its weights as an ncnn network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from hrnet_graph.compiler.ncnn.emission import Emission, as_floats
from hrnet_graph.compiler.ncnn.emitters import emit
from hrnet_graph.compiler.ncnn.layers import Layer, Weight
from hrnet_graph.compiler.state import Array
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir.graph import Graph

MAGIC = 7767517
"""How a `.param` file begins."""

FLOAT32, FLOAT16, INT8 = (tag.to_bytes(4, "little") for tag in (0, 0x01306B47, 0x000D4B38))
"""What stands before an array that says its type."""

ALIGNMENT = 4
"""Where arrays may begin, in bytes."""


@dataclass(frozen=True)
class NcnnModel:
    """A network as ncnn reads it: layers as text, and their weights one after another."""

    layers: tuple[Layer, ...]
    half: bool = False

    @property
    def text(self) -> str:
        """What a `.param` file holds."""
        values = sum(len(layer.outputs) for layer in self.layers)
        return "\n".join([str(MAGIC), f"{len(self.layers)} {values}", *map(str, self.layers), ""])

    def chunks(self) -> Iterator[bytes | memoryview]:
        """What a `.bin` file holds, piece by piece; float32 is passed on as it lies.

        Raises `HRNetGraphError` for weights beyond float16, where they are to be in it.
        """
        for layer in self.layers:
            for weight in layer.weights:
                yield from self._chunks(layer.name, weight)

    def _chunks(self, name: str, weight: Weight) -> Iterator[bytes | memoryview]:
        if weight.values.dtype == np.int8:
            yield INT8
            values = np.ascontiguousarray(weight.values).reshape(-1)
        else:
            values = as_floats(weight.values).reshape(-1)
            if weight.flagged:
                yield FLOAT16 if self.half else FLOAT32
            if weight.flagged and self.half:
                values = _in_half(name, values)
        yield values.view(np.uint8).data
        yield b"\0" * (-values.nbytes % ALIGNMENT)


def _in_half(name: str, values: Array) -> Array:
    with np.errstate(over="ignore"):
        half = values.astype("<f2")
    if np.isinf(half).any() and np.isfinite(values).all():
        largest = f"{np.abs(values).max():.3g}"
        raise HRNetGraphError(
            f"float16 holds numbers up to 65504, got weights of {name} up to {largest}",
            "write them in float32",
        )
    return half


def to_ncnn(graph: Graph, weights: Mapping[str, Array], *, half: bool = False) -> NcnnModel:
    """A network for ncnn, for images of any size that it takes, one at a time.

    input: (C, height, width) -> the graph's outputs, by their names

    `weights` are the values of `graph.state()` by key, counters excepted, of one floating-point
    type. They are stored in float32; convolutions and linear layers in float16 if `half`,
    or if they are.

    Raises `HRNetGraphError` if weights are missing or do not fit, or if an op has no form in ncnn.
    """
    emission = Emission(graph, weights)
    for node in graph.order:
        emission.values[node.path] = emit(emission, node)
    return NcnnModel((*emission.layers(),), half or emission.dtype == np.float16)
