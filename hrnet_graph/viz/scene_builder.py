"""A collapsed graph read as a scene: every box a part, every tensor between two boxes a link."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from hrnet_graph.analysis.cost import Cost, Report, analyze
from hrnet_graph.analysis.memory import kept_for_backward
from hrnet_graph.analysis.numbers import cost_lines, totals
from hrnet_graph.analysis.receptive_field import strides
from hrnet_graph.ir.graph import Graph, Node, Scope, display_name
from hrnet_graph.ir.hierarchy import Box, View, heads_of, prefixes, results_of
from hrnet_graph.ir.ops import Addition, Concat, GlobalAveragePool
from hrnet_graph.viz.look import Labels
from hrnet_graph.viz.scene import Direction, Group, Link, Part, Scene
from hrnet_graph.viz.select import kind_of, under, within
from hrnet_graph.viz.units import in_a_row, named, resizings, unit_words, units_of
from hrnet_graph.viz.words import clean, fold, times

_SPANNING = ("stage", "module", "head")
"""Kinds drawn across the rows of their inputs as well."""

_TOGETHER = ("branch", "fuse")
"""Kinds of which those of one module, or of one transition, stand in one column."""

_MULTIPLE = re.compile(r"\d*C( |$)")
"""A number of channels in multiples of C."""

_GROUPS = ("stem", "stage", "module", "head")
"""The kinds of scope that are drawn as bands behind their parts."""


@dataclass(frozen=True)
class SceneBuilder:
    """Reads one graph.

    maps: parts are drawn as feature maps, else as boxes with text
    symbolic: the channels of branches are in multiples of C
    whole: the graph that it was before modules were folded
    repeats: how many modules each of those stands for that were folded
    named: whether a box says where it stands, or what it does alone
    """

    graph: Graph
    labels: Labels
    maps: bool
    symbolic: bool
    whole: Graph
    repeats: Mapping[str, int] = field(default_factory=dict)
    named: bool = True

    @cached_property
    def strides(self) -> dict[str, Fraction]:
        return strides(self.graph)

    @cached_property
    def report(self) -> Report:
        return analyze(self.whole)

    @cached_property
    def kept(self) -> dict[str, int]:
        return kept_for_backward(self.whole)

    @cached_property
    def width(self) -> int:
        """C: the channels of the finest branch of the first stage of several, or of the last."""
        stages = [s.path for s in self.graph.scopes if s.kind == "stage"]
        many = [s.path for s in self.graph.scopes if s.kind == "fuse" and s.branch == 0]
        stage = next((s for s in stages if any(under(fuse, s) for fuse in many)), "")
        inside = stage or (stages[-1] if stages else "")
        held = [n for n in self.graph.order if inside and under(n.path, inside)]
        finest = min((self.strides[n.path] for n in held), default=Fraction(1))
        return next((n.type.channels for n in reversed(held) if self.strides[n.path] == finest), 1)

    def scene(self, view: View, only: str = "") -> Scene:
        """The whole view, or the part `only` of it with what it reads and what reads it."""
        kept = {path for path in view.boxes if not only or within(path, only)}
        ends = [(a, b) for a, b in view.edges if a in kept or b in kept]
        beside = {path for pair in ends for path in pair} - kept
        parts = {
            path: self.part(box, view) if path in kept else self._beside(box, view, kept)
            for path, box in view.boxes.items()
            if path in kept or path in beside
        }
        flows = [(a, b, tensor) for a, b in ends for tensor in view.edges[(a, b)]]
        for a, b in ends:
            if parts[a].kind == "input":  # it stands in the row of the first part that reads it
                parts[a] = replace(parts[a], rows=parts[b].rows[:1])
                break
        for name, path in self.graph.outputs:
            box = next(b.path for b in view.boxes.values() if self.graph[path] in b.nodes)
            if box in kept:
                part = self._output(name, self.graph[path])
                parts[part.path] = part
                flows.append((box, part.path, self.graph[path]))
        links = [self.link(parts[a], parts[b], tensor) for a, b, tensor in flows]
        rows = {row for part in parts.values() for row in part.rows}
        drawn = (view.boxes[path] for path in parts if path in view.boxes)
        cost = sum((self._cost(view.boxes[path]) for path in kept), Cost())
        image = times(self.graph.input.type.shape)
        return Scene(
            name=clean(self.graph.name, 80),
            title=clean(self.graph.name, 80) + (f", {self.name(only)}" if only else ""),
            totals=f"{totals(cost)} at {image}",
            parts=tuple(parts.values()),
            links=tuple(links),
            groups=tuple(self._groups(kept, only)),
            rows=self._row_names(rows, drawn),
            notes=self.notes(parts.values()),
        )

    def part(self, box: Box, view: View) -> Part:
        """A box as a part: where it stands and what it says."""
        made = results_of(self.graph, box.nodes) or [box.nodes[-1]]
        rows = [self.strides[node.path] for node in made]
        kind = kind_of(box)
        if kind in _SPANNING:
            read = [t for (_, b), tensors in view.edges.items() if b == box.path for t in tensors]
            rows += [self.strides[node.path] for node in read]
        cost = self._cost(box, box.path)
        is_map = self.maps and kind != "input"
        shapes = dict.fromkeys(times(node.type.shape) for node in made)
        return Part(
            path=box.path,
            kind=kind,
            shape="name" if kind == "input" else "map" if is_map else "box",
            rows=tuple(sorted(set(rows))) if not is_map else (max(rows),),
            column=self._column(box, kind),
            lines=self._map_lines(box, made[-1]) if is_map else self._box_lines(box, cost),
            tooltip=f"{clean(self.name(box.path), 200)}: {', '.join(shapes)}; {totals(cost)}",
            channels=made[-1].type.channels,
            repeat=in_a_row(self.graph, box) if is_map else 0,
            segments=self._segments(box, made[-1]) if is_map else (),
            pooled=isinstance(made[-1].op, GlobalAveragePool) or len(made[-1].type.size) < 2,
            cost=cost,
            kept=sum(self.kept[node.path] * self._repeat(node, box.path) for node in box.nodes),
        )

    def _column(self, box: Box, kind: str) -> str:
        """Where a part stands: beside its like, but for a fuse that reads one of its like."""
        if kind not in _TOGETHER:
            return box.path
        around = box.path.rpartition(".")[0]
        inside = {node.path for node in box.nodes}
        read = {path for node in box.nodes for path in node.inputs} - inside
        fuses = (s.path for s in self.graph.scopes if s.kind == "fuse" and under(s.path, around))
        late = kind == "fuse" and any(under(path, fuse) for fuse in fuses for path in read)
        return f"{around} {kind}" + (" of others" if late else "")

    def _cost(self, box: Box, one: str = "") -> Cost:
        """What a box costs, all that it stands for; within the part `one`, once."""
        nodes = (n for node in box.nodes for n in [node] * self._repeat(node, one))
        return sum((self.report.nodes[node.path] for node in nodes), Cost())

    def _repeat(self, node: Node, one: str) -> int:
        """How many times a node is there, in as many modules as are drawn once."""
        if not self.repeats:
            return 1
        held = (
            n
            for module, n in self.repeats.items()
            if under(node.path, module) and not within(one, module)
        )
        return next(held, 1)

    def link(self, source: Part, target: Part, tensor: Node) -> Link:
        """A tensor that flows; it goes down or up if its reader stands in another row.

        What is pooled has no resolution, in whatever row it stands. The image stands in its
        reader's row, but has a resolution of its own.
        """
        stride = self.strides[tensor.path]
        row = stride if stride in source.rows else source.rows[0]
        direction: Direction = "flow"
        start = stride if source.kind == "input" else row
        has_row = len(target.rows) == 1 and target.shape != "name" and not target.pooled
        if has_row and start != target.rows[0]:
            direction = "down" if target.rows[0] > start else "up"
        text = "" if self.maps or self.labels == "none" else times(tensor.type.shape)
        return Link(source.path, target.path, tensor.path, row, direction, text)

    def _beside(self, box: Box, view: View, kept: set[str]) -> Part:
        """A part that is not drawn itself, but from which or into which something flows."""
        flows = (
            tensors
            for (a, b), tensors in view.edges.items()
            if (a == box.path and b in kept) or (b == box.path and a in kept)
        )
        row = (self.strides[next(flows)[0].path],)
        return Part(box.path, "context", "name", row, box.path, (clean(self.name(box.path), 32),))

    def _output(self, name: str, node: Node) -> Part:
        row, path = (self.strides[node.path],), f"output {name}"
        shape = () if self.labels == "none" else (times(node.type.shape),)
        lines = (clean(name, 24), *shape)
        return Part(path, "output", "name", row, path, lines, channels=node.type.channels)

    def _segments(self, box: Box, result: Node) -> tuple[Fraction, ...]:
        """The strides of what a concatenation brings together, before it is resized."""
        if not isinstance(result.op, Concat):
            return ()
        inside = {node.path for node in box.nodes}
        sources = [self.graph[path].inputs[0] if path in inside else path for path in result.inputs]
        return tuple(self.strides[path] for path in sources)

    def _map_lines(self, box: Box, result: Node) -> tuple[str, ...]:
        """What stands below a map: in the backbone its channels, in the head its name as well."""
        if self.labels == "none":
            return ()
        around = {s.kind for s in self.graph.scopes if under(box.path, s.path)}
        kind, blocks = box.scope.kind if box.scope else "", in_a_row(self.graph, box)
        alone = kind == "branch" and not blocks and "block" not in around
        if kind in ("fuse", "transition") or alone:
            return (clean(box.scope.label, 20),) if box.scope and box.scope.label else ()
        channels = str(result.type.channels)
        if kind == "branch":
            channels = self.channels(result.type.channels)
        count = f"{channels} ×{blocks}" if blocks > 1 else channels
        words = unit_words(self.graph, box)
        is_named = "head" in around or not (kind or "stem" in around)
        if is_named:
            return (*self._names(box, result), count, *(words if kind == "branch" else ()))
        is_unit = "module" in around or (kind == "block" and "stage" not in around)
        return (count, *words) if is_unit else (count,)

    def _names(self, box: Box, result: Node) -> list[str]:
        """What a part of the head is, a line each: its one block, its scope, or its operations:
        what it gathers, and before that the convolutions on the way there.
        """
        labels = [scope.label for scope in units_of(self.graph, box)]
        if box.scope is not None and box.scope.kind == "branch" and box.scope.label:
            return [clean(box.scope.label, 20)]
        alone = self.graph.node_at.get(box.path)
        if alone is not None or isinstance(result.op, Addition | Concat):
            own = result if alone is None or isinstance(result.op, Addition | Concat) else alone
            costly = [node.op.label for node in box.nodes if self.report.nodes[node.path].macs]
            return [clean(label, 20) for label in dict.fromkeys([*costly, own.op.label])]
        if len(labels) == 1 and labels[0]:
            return [named(labels[0])]
        last = [part for part in display_name(box.path).split(".") if not part.isdigit()][-1]
        return [clean(last, 24)]

    def name(self, path: str) -> str:
        """A path as people say it, without the backbone's prefix."""
        return display_name(path.removeprefix(self.graph.backbone_prefix))

    def channels(self, count: int) -> str:
        """A branch's number of channels."""
        if not self.symbolic or count % self.width:
            return str(count)
        return "C" if count == self.width else f"{count // self.width}C"

    def _box_lines(self, box: Box, cost: Cost) -> tuple[str, ...]:
        """What a box says: its name within its group, what it is, and what it costs."""
        if not self.named and box.nodes[0].inputs:
            words = tuple(clean(node.op.label) for node in box.nodes)
            return words if self.labels == "none" else (*words, *cost_lines(cost))
        scopes = (self.graph.scope_at.get(prefix) for prefix in prefixes(box.path))
        around = [scope.path for scope in scopes if scope and scope.kind in _GROUPS]
        inner = box.path[len(around[-1]) + 1 :] if around else self.name(box.path)
        name = clean(self.name(box.path) if inner[0].isdigit() else display_name(inner), 60)
        if self.labels == "none":
            return tuple(fold(name))
        if box.scope is not None:
            what = named(box.scope.label or box.scope.kind)
        else:
            node = box.nodes[0]
            what = clean(node.op.label) if node.inputs else times(node.type.shape)
        return (*fold(name), *([what] if what not in name else []), *cost_lines(cost))

    def _row_names(self, rows: set[Fraction], boxes: Iterable[Box]) -> dict[Fraction, str]:
        """What rows are called, finest first: 1/4, or the size of the largest map drawn there."""
        if self.labels != "numbers":
            return {row: f"{1 / row}" if self.labels == "symbolic" else "" for row in sorted(rows)}
        nodes = [node for box in boxes for node in box.nodes]
        return {
            row: times(max(node.type.size for node in nodes if self.strides[node.path] == row))
            for row in sorted(rows)
        }

    def notes(self, parts: Iterable[Part]) -> tuple[str, ...]:
        """What C is, where it is written, and what words below the maps of fuse units say."""
        drawn = [(part.lines, part.kind) for part in parts]
        lines = [(line, kind) for words, kind in drawn for line in words]
        used = self.symbolic and any(_MULTIPLE.match(line) for line, _ in lines)
        labels = {scope.label for scope in self.graph.scopes if scope.kind == "fuse"}
        words = (line for line, kind in lines if kind == "fuse" and line in labels)
        ways = ", ".join(dict.fromkeys(words))
        folded = ("stage ×n: n modules alike",) if self.repeats else ()
        joined = (f"{ways}: how branches are fused",) if ways else ()
        if self.maps and any(kind == "fuse" for _, kind in drawn):
            joined = (*joined, *resizings(self.graph, self.strides))
        return ((f"C = {self.width} channels",) if used else ()) + joined + folded

    def _groups(self, kept: set[str], only: str) -> Iterable[Group]:
        """Stages and their modules, with those of the drawn parts that lie inside."""
        heads = heads_of(self.graph)
        for scope in self.graph.scopes:
            if scope.kind not in _GROUPS or under(only, scope.path):
                continue
            if scope.kind == "head" and scope.path not in heads:
                continue
            members = frozenset(path for path in kept if within(path, scope.path))
            if members and (self.maps or members != {scope.path}):
                name = clean(self.name(scope.path), 30) + self._times(scope)
                yield Group(scope.path, name, int(scope.kind == "module"), members)

    def _times(self, scope: Scope) -> str:
        """How many modules a stage or a module stands for, where that is not to be seen."""
        modules = [s.path for s in self.graph.scopes if s.kind == "module"]
        inside = [path for path in modules if within(path, scope.path)]
        return (
            f" ×{self.repeats[inside[0]]}" if len(inside) == 1 and inside[0] in self.repeats else ""
        )
