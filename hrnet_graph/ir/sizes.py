"""Which input sizes a network takes: shapes inferred anew over a graph that is already built."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hrnet_graph.errors import Fix, InputError, ShapeError, SizeError
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.hierarchy import place
from hrnet_graph.ir.ops import ConvTranspose2d, NearestUpsample, Op, PixelShuffle
from hrnet_graph.ir.types import FAR, TensorType, times

SEARCH = 256
"""How far from a size that does not fit the search for one that does goes, in pixels."""


BY_FACTOR: Mapping[type[Op], str] = {
    NearestUpsample: "nearest upsampling",
    ConvTranspose2d: "transposed convolution",
    PixelShuffle: "pixel shuffle",
}
"""What enlarges a branch by a fixed factor, in words."""


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
            message = f"{name} takes images of shape N x {channels} x H x W, got {got}"
            raise InputError(message, _order(shape, channels))
        height, width = shape[2:]
        refused = f"{name}: input {height}x{width} does not fit"
        try:
            types = infer_types(self._graph, TensorType((channels, height, width)))
        except SizeError as error:
            hint = size_hint(self._graph, size_fixes(self._graph, height, width))
            raise InputError(f"{refused}: {error.message}", hint) from None
        if bound := part_of_one_size(self._graph, types):
            own = times(self._graph.input.type.size)
            raise InputError(f"{refused}: {bound} has weights for {own} alone", f"use {own}")
        self._known.add(shape[1:])


def _order(shape: tuple[int, ...], channels: int) -> str:
    """What to do with images whose channels come last, or one that is no batch."""
    if len(shape) in (3, 4) and shape[-1] == channels and channels not in shape[:-1]:
        axes = "2, 0, 1" if len(shape) == 3 else "0, 3, 1, 2"
        batch = "[None]" if len(shape) == 3 else ""
        return f"its channels come last: give x.permute({axes}){batch}"
    return "it is one image, and no batch: give x[None]" if len(shape) == 3 else ""


def open_types(graph: Graph) -> dict[str, TensorType] | None:
    """The type of every node for an image of `FAR` a side, or None if its weights do not go there.

    What varies with the image is far larger there, and what is as here has one size at any: of two
    sizes nearer to each other the same cannot be said, since a map of both may be one pixel.
    Weights go with one size alone where a linear layer reads every pixel.
    """
    try:
        types = infer_types(graph, TensorType((graph.input.type.channels, FAR, FAR)))
    except Exception:  # of an op that takes one size alone, or is anybody's code
        return None
    return None if part_of_one_size(graph, types) else types


def part_of_one_size(graph: Graph, types: Mapping[str, TensorType]) -> str:
    """Where a network would have other weights for these types of its nodes; nowhere is empty."""
    for node in graph.nodes:
        operands = tuple(types[path] for path in node.inputs)
        if node.op.state(graph.operands(node)) != node.op.state(operands):
            return place(node.path, graph.scope_at)
    return ""


def nearest_size(graph: Graph, height: int, width: int) -> tuple[int, int] | None:
    """The size nearest to (height, width) that fits, in whole steps of the network's coarsest map.

    Sizes between those may fit too, by rounding, and are nothing that anybody means. Heights are
    tried at a width that is known to fit and widths at such a height, since ops hardly mix the two;
    what comes of it is tried as a whole.
    """
    good_height, good_width = graph.input.type.size
    new_height = _nearest(height, lambda h: fits(graph, h, good_width))
    new_width = _nearest(width, lambda w: fits(graph, good_height, w))
    found = new_height and new_width and fits(graph, new_height, new_width)
    return (new_height, new_width) if found else None


def _nearest(extent: int, good: Callable[[int], bool]) -> int:
    """The nearest good extent within `SEARCH` pixels, or 0; the good one itself if it is one."""
    if good(extent):
        return extent
    step = next((n for n in (2, 4, 8, 16, 32, 64, 128) if all(map(good, (n, 3 * n, 5 * n)))), 1)
    low, high = (extent - SEARCH) // step, (extent + SEARCH) // step
    tried = sorted((step * n for n in range(max(low, 1), high + 1)), key=lambda n: abs(n - extent))
    return next(filter(good, tried), 0)


def size_fixes(graph: Graph, height: int, width: int, fuse: str = "fuse") -> tuple[Fix, ...]:
    """What may help where an input size does not fit: the nearest that does, and bilinear
    upsampling, which takes any; `fuse` is the key of the fuse rule to blame.
    """
    size = nearest_size(graph, height, width)
    fixes = (Fix("input", (graph.input.type.channels, *size)),) if size else ()
    return (*fixes, Fix(f"{fuse}.upsample", "bilinear")) if _enlarges_by(graph) else fixes


def size_hint(graph: Graph, fixes: Sequence[Fix]) -> str:
    """The same in one sentence."""
    remedies = ", or ".join(
        f"use {times(fix.value[1:])}" if isinstance(fix.value, tuple) else fix.change
        for fix in fixes
    )
    what = _enlarges_by(graph)
    why = f"{what} by a fixed factor needs sizes that halve cleanly" if what else ""
    return ": ".join(part for part in (why, remedies) if part)


def _enlarges_by(graph: Graph) -> str:
    """What enlarges branches for fuse units by a fixed factor, if anything does."""
    fuses = tuple(f"{scope.path}." for scope in graph.scopes if scope.kind == "fuse")
    inside = (type(node.op) for node in graph.nodes if node.path.startswith(fuses))
    return next((BY_FACTOR[kind] for kind in inside if kind in BY_FACTOR), "")
