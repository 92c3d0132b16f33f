"""The figure of a graph, and what there is to know of every part that it draws."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import cast, get_args

from hrnet_graph.choices import VIEWS, ViewName
from hrnet_graph.editor.request import Request
from hrnet_graph.errors import HRNetGraphError, Key
from hrnet_graph.ir.graph import Graph, Node, display_name
from hrnet_graph.ir.hierarchy import prefixes, results_of
from hrnet_graph.ir.types import times
from hrnet_graph.spec.schema import Spec
from hrnet_graph.viz.draw import scene_of
from hrnet_graph.viz.layout.compose import compose
from hrnet_graph.viz.look import Colour, Labels, Look, ThemeName
from hrnet_graph.viz.scene import Part
from hrnet_graph.viz.select import find_part, within
from hrnet_graph.viz.to_svg import to_svg

MAX_DRAWN = 4_000
"""The most operations that are drawn one by one: of more, a screen shows nothing."""


@dataclass(frozen=True)
class Sight:
    """How a network is seen: what `lay_out` takes beside the graph."""

    view: ViewName
    only: str
    expand: list[str]
    look: Look
    fold: bool


def sight(graph: Graph, request: Request, title: bool) -> Sight:
    """How a request sees a network; parts that are not there, since the text changed, are not."""
    look = Look(
        theme=cast(ThemeName, request.choice("theme", get_args(ThemeName), "light")),
        colour=cast(Colour, request.choice("colour", get_args(Colour), "resolution")),
        labels=cast(Labels, request.choice("labels", get_args(Labels), "symbolic")),
        title=title,
    )
    return Sight(
        cast(ViewName, request.choice("view", VIEWS, "figure")),
        _part(graph, request.text("only", "")),
        [path for name in request.words("expand") if (path := _part(graph, name))],
        look,
        request.flag("fold"),
    )


def figure(graph: Graph, spec: Spec, request: Request, stopped: str = "") -> dict[str, object]:
    """`figure` as SVG, and the facts of its `parts` by the names that these have in it.

    `only` and `expand` are what there is of the parts that were asked for; `end` is where a graph
    that stops does. `note` says why there is no figure.
    """
    seen = sight(graph, request, title=False)
    if seen.view in ("op", "block") and len(graph.nodes) > MAX_DRAWN:
        said = f"{len(graph.nodes)} operations are too many to draw; choose a coarser view"
        return {"figure": None, "parts": {}, "note": said}
    try:
        scene = scene_of(graph, seen.view, seen.only, seen.expand, seen.look, seen.fold)
    except HRNetGraphError as error:  # as of a view that the network has nothing for
        return {"figure": None, "parts": {}, "note": str(error)}
    drawing, facts = compose(scene, seen.look), _Facts(graph, spec)
    ends = _ends(graph, stopped, drawing.names)
    return {
        "figure": to_svg(drawing),
        "parts": {drawing.names[part.path]: facts.of(part) for part in scene.parts},
        "only": seen.only,
        "expand": seen.expand,
        "end": [drawing.names[path] for path in ends],
    }


def _part(graph: Graph, name: str) -> str:
    """The path of a part; nothing if there is none of the name."""
    try:
        return find_part(graph, name) if name else ""
    except HRNetGraphError:
        return ""


def _ends(graph: Graph, stopped: str, parts: Collection[str]) -> list[str]:
    """The parts at which a graph that stops ends: the one that does not fit, as far as it is drawn,
    or else those that nothing reads any more.
    """
    if not stopped:
        return []
    if there := [part for part in parts if within(part, stopped) or within(stopped, part)]:
        return there
    loose = (path for path, readers in graph.readers.items() if not readers)
    found = (next((p for p in (*prefixes(end), end) if p in parts), "") for end in loose)
    return [path for path in dict.fromkeys(found) if path]


class _Facts:
    """What there is to know of the parts of one figure."""

    def __init__(self, graph: Graph, spec: Spec) -> None:
        self._graph, self._spec = graph, spec
        self._inside: dict[str, list[Node]] = {}
        for node in graph.order:
            for prefix in prefixes(node.path):
                self._inside.setdefault(prefix, []).append(node)
        self._stages = [scope.path for scope in graph.scopes if scope.kind == "stage"]

    def of(self, part: Part) -> dict[str, object]:
        """The facts of one part, for JSON."""
        nodes = self._inside.get(part.path) or [
            self._graph.node_at[path] for path in (part.path,) if path in self._graph.node_at
        ]
        shapes = dict.fromkeys(times(node.type.shape) for node in results_of(self._graph, nodes))
        scope = self._graph.scope_at.get(part.path)
        said = nodes[0].op.label if len(nodes) == 1 else scope.label if scope else ""
        return {
            "path": part.path,
            "name": self._name(part.path),
            "kind": scope.kind if scope else part.kind,
            "label": said,
            "shapes": list(shapes),
            "params": part.cost.params,
            "macs": part.cost.macs,
            "activations": part.cost.activations,
            "layers": part.cost.layers,
            "opens": part.path in self._inside,
            **self._place(part.path),
        }

    def _name(self, path: str) -> str:
        return display_name(path.removeprefix(self._graph.backbone_prefix))

    def _place(self, path: str) -> dict[str, object]:
        """Where the spec says so: `key`, `line`, and `file` where that is another one."""
        key = self._key(path)
        if not self._spec.layers:
            return {"key": list(key)}
        document = self._spec.layers[-1]
        mark = document.root.find(key).mark
        own = document.changes[-1].mark.file if document.changes else mark.file
        other = {} if mark.file == own else {"file": mark.file.rpartition("/")[2]}
        return {"key": list(key), "line": mark.line, "column": mark.column, **other}

    def _key(self, path: str) -> Key:
        """The key of the spec that a part comes from."""
        if path == self._graph.input.path:
            return ("input",)
        if path.startswith("output "):
            return ("head",)
        scopes = [self._graph.scope_at.get(prefix) for prefix in (*prefixes(path), path)]
        kinds = {scope.kind: scope.path for scope in scopes if scope}
        if "stage" in kinds:
            index = self._stages.index(kinds["stage"])
            own = self._spec.stages[index].fuse is not None
            return ("fuse",) if "fuse" in kinds and not own else ("stages", index)
        for kind in ("stem", "head"):
            if kind in kinds:
                return (kind,)
        if "transition" in kinds:
            number = kinds["transition"].removeprefix(f"{self._graph.backbone_prefix}transition")
            return ("stages", int(number)) if number.isdigit() else ("transition",)
        return ()
