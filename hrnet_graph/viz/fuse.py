"""One fuse unit in detail: which operators carry which branch to which, a panel an output.

Source of the arrangement: Wang et al., TPAMI 2020, figure 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from hrnet_graph.errors import HRNetGraphError, quoted
from hrnet_graph.ir.graph import Graph, Node, Scope
from hrnet_graph.ir.hierarchy import Box, View, collapse_to
from hrnet_graph.viz.scene import Group, Link, Part, Scene
from hrnet_graph.viz.scene_builder import SceneBuilder
from hrnet_graph.viz.select import display_name, under
from hrnet_graph.viz.text_metrics import clean


def fuse_scene(reader: SceneBuilder, only: str) -> Scene:
    """The fuse unit of the module `only`, or of the last module that has one."""
    module, fuses = fuse_unit(reader.graph, only)
    view = fuse_view(reader.graph, module, fuses)
    panels = [_panel(reader, view, fuse) for fuse in fuses]
    whole = reader.scene(view, module.path)
    parts = tuple(part for parts, _ in panels for part in parts)
    rows = {row for part in parts for row in part.rows}
    return replace(
        whole,
        parts=parts,
        links=tuple(link for _, links in panels for link in links),
        groups=tuple(
            Group(
                fuse.path, clean(display_name(fuse.path[len(module.path) + 1 :])), 0, _paths(made)
            )
            for fuse, (made, _) in zip(fuses, panels, strict=True)
        ),
        rows={row: name for row, name in whole.rows.items() if row in rows},
        notes=reader.notes(parts),
    )


def fuse_unit(graph: Graph, only: str) -> tuple[Scope, list[Scope]]:
    """A module and its fuse scopes. Raises `HRNetGraphError` if there are none."""
    for module in reversed(graph.scopes):
        fuses = [s for s in graph.scopes if s.kind == "fuse" and under(s.path, module.path)]
        inside = not only or only == module.path or under(module.path, only)
        if module.kind == "module" and inside and fuses:
            return module, fuses
    place = f"in {quoted(display_name(only))}" if only else f"in {quoted(graph.name)}"
    known = [display_name(scope.path) for scope in graph.scopes if scope.kind == "module"]
    raise HRNetGraphError(
        f"no module with a fuse unit {place}", f"modules: {', '.join(known)}" if known else ""
    )


def fuse_view(graph: Graph, module: Scope, fuses: Sequence[Scope]) -> View:
    """The graph with each way through the fuse unit as one box, and each branch before it."""
    inside = {scope.path for scope in graph.scopes if scope.kind == "branch"}
    for fuse in fuses:
        ways = (n.path[len(fuse.path) + 1 :] for n in graph.nodes if under(n.path, fuse.path))
        inside |= {f"{fuse.path}.{way.split('.')[0]}" for way in ways if "." in way}
    return collapse_to(graph, inside)


def _paths(parts: Sequence[Part]) -> frozenset[str]:
    return frozenset(part.path for part in parts)


def _panel(reader: SceneBuilder, view: View, fuse: Scope) -> tuple[list[Part], list[Link]]:
    """One output: the branches that it reads, the ways that they take, and what comes of them."""
    held = [box for path, box in view.boxes.items() if under(path, fuse.path)]
    paths = {box.path for box in held}
    ends = [pair for pair in view.edges if pair[1] in paths and not _for_size(view, *pair)]
    sources = [view.boxes[path] for path in dict.fromkeys(a for a, _ in ends) if path not in paths]
    copies = {box.path: f"{box.path} for {display_name(fuse.path)}" for box in sources}
    parts = {box.path: _source(reader, view, box, copies[box.path]) for box in sources}
    for box in held:
        parts[box.path] = _way(reader, view, box, [parts[a] for a, b in ends if b == box.path])
    links = [
        reader.link(parts[a], parts[b], tensor) for a, b in ends for tensor in view.edges[a, b]
    ]
    return list(parts.values()), [replace(link, words="") for link in links]


def _for_size(view: View, source: str, target: str) -> bool:
    """Whether one box reads another only for the size that it resamples to."""
    tensors = {node.path for node in view.edges[source, target]}
    read = [node for node in view.boxes[target].nodes if tensors.intersection(node.inputs)]
    return all(node.op.family == "resample" and node.inputs[0] not in tensors for node in read)


def _source(reader: SceneBuilder, view: View, box: Box, path: str) -> Part:
    """A branch as it enters a panel."""
    part = reader.part(box, view)
    words = () if reader.labels == "none" else _channels(reader, part)
    return replace(part, path=path, column=path.partition(" for ")[2], repeat=0, words=words)


def _channels(reader: SceneBuilder, part: Part) -> tuple[str, ...]:
    return (reader.channels(part.channels, symbolic=True),)


def _way(reader: SceneBuilder, view: View, box: Box, read: Sequence[Part]) -> Part:
    """The operators from one branch, in that branch's row; or the sum, or the result."""
    part = reader.part(box, view)
    last = box.nodes[-1]
    if len(box.nodes) == 1 and any(last.path == node.path for node in _final(reader, view, box)):
        words = () if reader.labels == "none" else _channels(reader, part)
        return replace(part, words=(*words, clean(last.op.label())))
    row: tuple[Fraction, ...] = read[0].rows if len(read) == 1 else part.rows
    return replace(part, shape="box", rows=row, words=tuple(_operators(box.nodes)))


def _final(reader: SceneBuilder, view: View, box: Box) -> Iterator[Node]:
    """The results of a box that leave the unit."""
    fuse = box.path.rpartition(".")[0]
    readers = (b for a, b in view.edges if a == box.path)
    if all(not under(target, fuse) for target in readers):
        yield box.nodes[-1]


def _operators(nodes: Sequence[Node]) -> Iterator[str]:
    """The operators in order, a line for each convolution or resizing with what follows it."""
    line: list[str] = []
    for node in nodes:
        if line and node.op.family in ("conv", "resample"):
            yield clean(", ".join(line))
            line = []
        line.append(node.op.label())
    yield clean(", ".join(line))
