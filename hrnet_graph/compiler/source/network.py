"""The class of the whole network, and what its file has in common whichever way it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hrnet_graph.compiler.source import initialisation
from hrnet_graph.compiler.source.classes import assignment, attributes, write_classes
from hrnet_graph.compiler.source.expressions import Expr, Group, lay_out, string_literal
from hrnet_graph.compiler.source.forward import body, return_lines
from hrnet_graph.compiler.source.layers import copied_classes
from hrnet_graph.compiler.source.layout import Layout
from hrnet_graph.compiler.source.templates import resize
from hrnet_graph.compiler.source.words import docstring, shape_of

RETURNS = {"tensor": "Tensor", "dict": "dict[str, Tensor]", "list": "list[Tensor]"}
"""How a network hands its outputs back -> the type."""


def init(*parameters: str) -> tuple[str, str]:
    """The first lines of a constructor."""
    told = ", ".join(("self", *parameters))
    return (f"    def __init__({told}) -> None:", "        super().__init__()")


def call_by_call(layout: Layout) -> list[str]:
    """All functions and classes of any network whatever: every scope with its own calls."""
    graph = layout.graph
    written = write_classes(layout, layout.children[""])
    head = {node.key.partition(".")[0] for node in graph.nodes if node.path.startswith("@head.")}
    made = attributes(layout, "", written.calls)
    names = [name for name, _ in made if name in head]
    lines = [*init()]
    for name, expr in made:
        if names and name == names[0]:
            lines += initialisation.after_backbone(graph)
        lines += assignment(name, expr)
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
    resizing = [resize(layout.aligned)] if layout.aligned else []
    functions = initialisation.functions(layout.graph)
    return [*resizing, *functions, *copied_classes(layout.graph)]


def return_statement(layout: Layout, code: Mapping[str, Expr]) -> list[str]:
    """The return statement of the whole network."""
    outputs = layout.graph.outputs
    if layout.graph.returns == "dict":
        pairs = tuple(
            Group(f"{string_literal(name)}: ", (code[path],), "") for name, path in outputs
        )
        return lay_out("return ", Group("{", pairs, "}"))
    paths = layout.graph.output_paths
    return return_lines(paths, code, as_list=layout.graph.returns == "list")


def network_class(layout: Layout, base: str, lines: Sequence[str]) -> str:
    """`HRNet`, given its body."""
    outputs = [layout.graph[path].type for path in layout.graph.output_paths]
    image = layout.graph.input.type
    shape = f"x: {shape_of(image, image)} -> " + ", ".join(shape_of(t, image) for t in outputs)
    text = docstring("The network: images in, results out.", shape, 4)
    return "\n".join([f"class HRNet({base}):", *text, "", *lines])
