"""A graph and its weights as an ncnn network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from hrnet_graph.compiler.ncnn.emission import Emission, as_floats
from hrnet_graph.compiler.ncnn.emitters import emit
from hrnet_graph.compiler.ncnn.layers import Layer, Values, Weight
from hrnet_graph.compiler.product import Product
from hrnet_graph.compiler.state import Array
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir.graph import Graph

MAGIC = 7767517
"""How a `.param` file begins."""

FLOAT32, FLOAT16, INT8 = (tag.to_bytes(4, "little") for tag in (0, 0x01306B47, 0x000D4B38))
"""What stands before an array that says its type."""

ALIGNMENT = 4
"""Where arrays may begin, in bytes."""

FLOAT = 4
"""The bytes of a number in float32."""

BLOCK = 1 << 19
"""The bytes of a block: whole pages of memory, which the system copies fastest, and few enough to
stay near the processor."""


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
        for piece in self._pieces():
            yield _bytes(piece.array()) if isinstance(piece, Product) else piece

    def blocks(self) -> Iterator[memoryview]:
        """The same in blocks of one size, in one place in memory: each is read before the next.

        What is not yet multiplied is so in its place, near the processor.
        """
        block = np.empty(BLOCK, np.uint8)
        room, at = block.data, 0
        for piece in self._pieces():
            start, size = 0, piece.size * FLOAT if isinstance(piece, Product) else len(piece)
            while start < size:
                end = min(at + size - start, BLOCK)
                if isinstance(piece, Product):
                    piece.fill(start // FLOAT, block[at:end].view(np.float32))
                else:
                    room[at:end] = piece[start : start + end - at]
                start, at = start + end - at, end
                if at == BLOCK:
                    yield room
                    at = 0
        yield room[:at]

    @property
    def late(self) -> set[str]:
        """The keys of the weights that `blocks` reads and nothing before it."""
        products = (self._late(weight) for layer in self.layers for weight in layer.weights)
        return {product.key for product in products if product is not None}

    def _late(self, weight: Weight) -> Product | None:
        return weight.values if isinstance(weight.values, Product) and not self.half else None

    def _pieces(self) -> Iterator[bytes | memoryview | Product]:
        for layer in self.layers:
            for weight in layer.weights:
                yield from self._pieces_of(layer.name, weight)

    def _pieces_of(self, name: str, weight: Weight) -> Iterator[bytes | memoryview | Product]:
        if (product := self._late(weight)) is not None:
            yield FLOAT32
            yield product
            return
        values = weight.array
        if values.dtype == np.int8:
            yield INT8
            values = np.ascontiguousarray(values).reshape(-1)
        else:
            values = as_floats(values).reshape(-1)
            if weight.flagged:
                yield FLOAT16 if self.half else FLOAT32
            if weight.flagged and self.half:
                values = _in_half(name, values)
        yield _bytes(values)
        yield b"\0" * (-values.nbytes % ALIGNMENT)


def _bytes(values: Array) -> memoryview:
    return values.reshape(-1).view(np.uint8).data


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


def to_ncnn(graph: Graph, weights: Mapping[str, Values], *, half: bool = False) -> NcnnModel:
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
