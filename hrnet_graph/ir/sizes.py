"""Which input sizes a network takes: shapes inferred anew over a graph that is already built."""

from __future__ import annotations

from collections.abc import Callable

from hrnet_graph.errors import InputError, ShapeError, SizeError
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.hierarchy import place
from hrnet_graph.ir.ops import NearestUpsample
from hrnet_graph.ir.types import TensorType, times

SEARCH = 256
"""How far from a size that does not fit the search for one that does goes, in pixels."""


def infer_types(graph: Graph, image: TensorType) -> dict[str, TensorType]:
    """The type of every node for another input: path -> type, in execution order.

    image: (C, H, W), with the C that the graph was built for

    Raises `SizeError`, naming the place, if the network does not take that size.
    """
    types: dict[str, TensorType] = {}
    for node in graph.order:
        if node.path == graph.input.path:
            types[node.path] = image
            continue
        try:
            types[node.path] = node.op.infer(tuple(types[path] for path in node.inputs))
        except ShapeError as error:
            where = place(node.path, graph.scope_at)
            raise type(error)(f"{where} {error.message}", error.hint) from None
    return types


def fits(graph: Graph, height: int, width: int) -> bool:
    """Whether the network takes images of this size."""
    try:
        infer_types(graph, TensorType((graph.input.type.channels, height, width)))
    except SizeError:
        return False
    return True


class ImageCheck:
    """Refuses a batch of images that a network cannot take; remembers the sizes that it took.

    Raises `InputError`, in one sentence, for a shape other than (N, C, H, W) that fits.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known = {graph.input.type.shape}

    def __call__(self, shape: tuple[int, ...]) -> None:
        name, channels = self._graph.name, self._graph.input.type.channels
        if shape[1:] in self._known:
            return
        if len(shape) != 4 or shape[1] != channels:
            got = times(shape) or "a scalar"
            raise InputError(f"{name} takes images of shape N x {channels} x H x W, got {got}")
        height, width = shape[2:]
        try:
            infer_types(self._graph, TensorType((channels, height, width)))
        except SizeError as error:
            message = f"{name}: input {height}x{width} does not fit: {error.message}"
            raise InputError(message, size_hint(self._graph, height, width)) from None
        self._known.add(shape[1:])


def at_double_size(graph: Graph) -> dict[str, TensorType] | None:
    """The type of every node at twice the height and width, or None if its weights do not go there.

    Weights go with one size alone where a linear layer reads every pixel.
    """
    channels, height, width = graph.input.type.shape
    try:
        types = infer_types(graph, TensorType((channels, 2 * height, 2 * width)))
    except ShapeError:
        return None
    for node in graph.nodes:
        if node.op.state(graph.operands(node)) != node.op.state(
            tuple(types[path] for path in node.inputs)
        ):
            return None
    return types


def nearest_sizes(graph: Graph, height: int, width: int) -> tuple[tuple[int, int], ...]:
    """Up to two sizes near (height, width) that fit: the next smaller one and the next larger one.

    Heights are tried at a width that is known to fit and widths at such a height, since ops hardly
    mix the two; what comes of it is tried as a whole.
    """
    good_height, good_width = graph.input.type.size
    smaller, larger = -1, 1
    sizes = []
    for step in (smaller, larger):
        new_height = _next(height, step, lambda h: fits(graph, h, good_width))
        new_width = _next(width, step, lambda w: fits(graph, good_height, w))
        if new_height and new_width and fits(graph, new_height, new_width):
            sizes.append((new_height, new_width))
    return tuple(sizes)


def _next(extent: int, step: int, good: Callable[[int], bool]) -> int | None:
    """The first good extent from `extent` on, going by `step`, within `SEARCH` pixels."""
    tried = range(extent, extent + step * SEARCH, step)
    return next((n for n in tried if n > 0 and good(n)), None)


def size_hint(graph: Graph, height: int, width: int) -> str:
    """What to do about an input size that does not fit, in one sentence."""
    sizes = " or ".join(f"{h}x{w}" for h, w in nearest_sizes(graph, height, width))
    remedies = [f"use {sizes}"] if sizes else []
    if any(isinstance(node.op, NearestUpsample) for node in graph.nodes):
        why = "nearest upsampling by a fixed factor needs sizes that halve cleanly: "
        return why + ", or ".join([*remedies, "fuse.upsample: bilinear"])
    return ", ".join(remedies)
