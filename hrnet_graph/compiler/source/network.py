"""The class of the whole network, and what its file has in common whichever way it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hrnet_graph.compiler.source import initialisation
from hrnet_graph.compiler.source.classes import assignment, attributes, init, write_classes
from hrnet_graph.compiler.source.expressions import Expr, flat, string_literal
from hrnet_graph.compiler.source.forward import body, return_lines
from hrnet_graph.compiler.source.layout import Layout
from hrnet_graph.compiler.source.specialise import specialise
from hrnet_graph.compiler.source.words import docstring, shape_of

RETURNS = {"tensor": "Tensor", "dict": "dict[str, Tensor]", "list": "list[Tensor]"}
"""How a network hands its outputs back -> the type."""


def call_by_call(layout: Layout) -> list[str]:
    """All functions and classes of any network whatever: every scope with its own calls."""
    graph = layout.graph
    written = write_classes(layout, layout.children[""])
    made = attributes(layout, "", written.calls)
    names = [name for name, _ in made if layout.in_head(name)]
    lines = init()
    for name, expr in made:
        if names and name == names[0]:
            lines += initialisation.after_backbone(graph)
        lines.append(assignment(name, expr))
    lines += initialisation.after_head(graph, names)
    lines += [
        *initialisation.after_all(graph),
        "",
        f"    def forward(self, x: Tensor) -> {RETURNS[graph.returns]}:",
        *body(layout, "", {graph.input.path: "x"}, lambda code: return_statement(layout, code)),
    ]
    return [*helpers(layout), *written.classes, network_class(layout, "nn.Module", lines)]


def helpers(layout: Layout) -> list[str]:
    """The functions that classes use."""
    ways = [str(way) for way in layout.aligned]
    facts = {"align_corners": ways[0]} if len(ways) == 1 else {}
    resizing = [specialise("resize", facts)] if ways else []
    return [*resizing, *initialisation.functions(layout.graph)]


def return_statement(layout: Layout, code: Mapping[str, Expr]) -> list[str]:
    """The return statement of the whole network."""
    outputs = layout.graph.outputs
    if layout.graph.returns == "dict":
        pairs = (f"{string_literal(name)}: {flat(code[path])}" for name, path in outputs)
        return [f"        return {{{', '.join(pairs)}}}"]
    paths = layout.graph.output_paths
    return return_lines(paths, code, as_list=layout.graph.returns == "list")


def network_class(layout: Layout, base: str, lines: Sequence[str]) -> str:
    """`HRNet`, given its body."""
    outputs = [layout.graph[path].type for path in layout.graph.output_paths]
    image = layout.graph.input.type
    shape = f"x: {shape_of(image, image)} -> " + ", ".join(shape_of(t, image) for t in outputs)
    text = docstring("The network: images in, results out.", shape, 4)
    return "\n".join([f"class HRNet({base}):", *text, "", *lines])
