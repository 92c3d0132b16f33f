"""One fuse unit in detail: which operators carry which branch to which, a panel an output.

Source of the arrangement: Wang et al., TPAMI 2020, figure 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hrnet_graph.errors import HRNetGraphError, quoted
from hrnet_graph.ir.graph import Graph, Node, Scope, display_name
from hrnet_graph.ir.hierarchy import Box, View, collapse_to, prefixes
from hrnet_graph.viz.scene import Group, Link, Part, Scene
from hrnet_graph.viz.scene_builder import SceneBuilder
from hrnet_graph.viz.select import under, within
from hrnet_graph.viz.words import clean


def fuse_scene(builder: SceneBuilder, only: str) -> Scene:
    """The fuse unit of the module `only`, or of the last module that has one."""
    graph = builder.graph
    module, fuses = _fuse_unit(graph, only)
    boxes = {scope.path for scope in graph.scopes if scope.kind == "branch"}
    for fuse in fuses:  # each way through it is one box
        inside = (node.path for node in graph.nodes if under(node.path, fuse.path))
        boxes |= {next(prefixes(path, fuse.path), path) for path in inside}
    view = collapse_to(graph, boxes)
    panels = [_panel(builder, view, fuse) for fuse in fuses]
    whole = builder.scene(view, module.path)
    parts = tuple(part for made, _ in panels for part in made)
    rows = {row for part in parts for row in part.rows}
    groups = []
    for fuse, (made, _) in zip(fuses, panels, strict=True):
        name = clean(display_name(fuse.path[len(module.path) + 1 :]))
        groups.append(Group(fuse.path, name, 0, frozenset(part.path for part in made)))
    return replace(
        whole,
        parts=parts,
        links=tuple(link for _, links in panels for link in links),
        groups=tuple(groups),
        rows={row: name for row, name in whole.rows.items() if row in rows},
        notes=builder.notes(parts),
    )


def _fuse_unit(graph: Graph, only: str) -> tuple[Scope, list[Scope]]:
    """A module and its fuse scopes. Raises `HRNetGraphError` if there are none."""
    modules = [scope for scope in graph.scopes if scope.kind == "module"]
    for module in reversed(modules):
        fuses = [s for s in graph.scopes if s.kind == "fuse" and under(s.path, module.path)]
        if fuses and (not only or within(module.path, only)):
            return module, fuses
    place = quoted(display_name(only) if only else graph.name)
    known = ", ".join(display_name(module.path) for module in modules)
    hint = f"modules: {known}" if known else ""
    raise HRNetGraphError(f"no module with a fuse unit in {place}", hint)


def _panel(builder: SceneBuilder, view: View, fuse: Scope) -> tuple[list[Part], list[Link]]:
    """One output: the branches that it reads, the ways that they take, and what comes of them."""
    held = {path: box for path, box in view.boxes.items() if under(path, fuse.path)}
    ends = [pair for pair in view.edges if pair[1] in held and not _for_size(view, *pair)]
    panel, parts = display_name(fuse.path), {}
    for path in dict.fromkeys(a for a, _ in ends if a not in held):
        part = builder.part(view.boxes[path], view)
        name, lines = f"{path} for {panel}", _channels(builder, part)
        parts[path] = replace(part, path=name, column=panel, repeat=0, lines=lines)
    for path, box in held.items():
        parts[path] = _way(builder, view, box, [parts[a] for a, b in ends if b == path])
    links = [
        replace(builder.link(parts[a], parts[b], tensor), text="")
        for a, b in ends
        for tensor in view.edges[a, b]
    ]
    return list(parts.values()), links


def _for_size(view: View, source: str, target: str) -> bool:
    """Whether one box reads another only for the size that it resamples to."""
    tensors = {node.path for node in view.edges[source, target]}
    read = [node for node in view.boxes[target].nodes if tensors.intersection(node.inputs)]
    return all(node.op.family == "resample" and node.inputs[0] not in tensors for node in read)


def _channels(builder: SceneBuilder, part: Part) -> tuple[str, ...]:
    if builder.labels == "none":
        return ()
    return (builder.channels(part.channels),)


def _way(builder: SceneBuilder, view: View, box: Box, read: Sequence[Part]) -> Part:
    """The operators from one branch, in that branch's row; or the sum, or the result."""
    part, fuse = builder.part(box, view), box.path.rpartition(".")[0]
    readers = (target for source, target in view.edges if source == box.path)
    if not any(under(target, fuse) for target in readers):
        labels = (clean(node.op.label) for node in box.nodes)
        return replace(part, lines=(*_channels(builder, part), *labels))
    rows = read[0].rows if len(read) == 1 else part.rows
    return replace(part, shape="box", rows=rows, lines=tuple(_operators(box.nodes)))


def _operators(nodes: Sequence[Node]) -> Iterator[str]:
    """The operators in order, a line for each convolution or resizing with what follows it."""
    line: list[str] = []
    for node in nodes:
        if line and node.op.family in ("conv", "resample"):
            yield clean(", ".join(line))
            line = []
        line.append(node.op.label)
    yield clean(", ".join(line))
