"""The class of the whole network, and what its file has in common whichever way it is written."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.compiler.source import initialisation
from hrnet_graph.compiler.source.classes import (
    assignment,
    attributes,
    constructor_head,
    registered,
    write_classes,
)
from hrnet_graph.compiler.source.forward import Body, return_lines
from hrnet_graph.compiler.source.layers import copied_classes
from hrnet_graph.compiler.source.layout import Layout
from hrnet_graph.compiler.source.specialise import specialise
from hrnet_graph.compiler.source.words import class_text, shape_of

RETURNS = {"tensor": "Tensor", "dict": "dict[str, Tensor]", "list": "list[Tensor]"}
"""How a network hands its outputs back -> the type."""


def call_by_call(layout: Layout) -> list[str]:
    """All functions and classes of any network whatever: every scope with its own calls."""
    texts, calls = write_classes(layout, layout.children[""])
    constructor: list[str] = []
    build_head: list[str] = []
    for name, expr in attributes(layout, "", calls):
        (build_head if layout.in_head(name) else constructor).append(assignment(name, expr))
    forward, code = Body(layout, "", {layout.graph.input.path: "x"}).write()
    forward += return_lines(layout, "", code)
    hrnet = network_class(layout, constructor, build_head, forward)
    return [*helpers(layout), *texts, hrnet]


def helpers(layout: Layout) -> list[str]:
    """The functions that classes use."""
    facts: dict[str, str] = {}
    if len(layout.aligned) == 1:
        how = f"align_corners={next(iter(layout.aligned))}"
        facts = {", align_corners: bool = False": "", "align_corners=align_corners": how}
    resizing = [specialise("resize", facts)] if layout.aligned else []
    functions = initialisation.functions(layout.graph)
    return [*resizing, *functions, *copied_classes(layout.graph)]


def network_class(
    layout: Layout,
    constructor: Sequence[str],
    build_head: Sequence[str],
    forward: Sequence[str],
    base: str = "nn.Module",
    parameters: Sequence[str] = (),
) -> str:
    """`HRNet`, given the lines that make backbone and head, and those of `forward`."""
    graph, image = layout.graph, layout.graph.input.type
    outputs = ", ".join(shape_of(graph[path].type, image) for path in graph.output_paths)
    head = filter(layout.in_head, registered(layout, ""))
    before, after = initialisation.calls(graph, head)
    lines = [
        *constructor_head(*parameters),
        *constructor,
        *before,
        *build_head,
        *after,
        "",
        f"    def forward(self, x: Tensor) -> {RETURNS[graph.returns]}:",
        *forward,
    ]
    shape = f"x: {shape_of(image, image)} -> {outputs}"
    return class_text("HRNet", base, "The network: images in, results out.", shape, lines)
