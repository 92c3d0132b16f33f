"""The class of the whole network, how its weights start, and the functions that classes use."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from hrnet_graph.compiler.source.classes import (
    assignment,
    attributes,
    constructor_head,
    registered,
    write_classes,
)
from hrnet_graph.compiler.source.expressions import is_name
from hrnet_graph.compiler.source.forward import Body, return_lines
from hrnet_graph.compiler.source.layers import copied_classes
from hrnet_graph.compiler.source.layout import Layout
from hrnet_graph.compiler.source.specialise import specialise
from hrnet_graph.compiler.source.words import class_text, shapes_of
from hrnet_graph.ir.graph import Graph, Initialisation
from hrnet_graph.ir.ops import ConvTranspose2d, ZeroConv2d

RETURNS = {"tensor": "Tensor", "dict": "dict[str, Tensor]", "list": "list[Tensor]"}
"""How a network hands its outputs back -> the type."""


def call_by_call(layout: Layout) -> list[str]:
    """All functions and classes of any network whatever: every scope with its own calls."""
    texts, calls = write_classes(layout, layout.children[""])
    made = [(assignment(name, expr), name) for name, expr in attributes(layout, "", calls)]
    constructor = [*takewhile(lambda line: not layout.in_head(line[1]), made)]
    build_head = made[len(constructor) :]
    if not all(layout.in_head(name) for _, name in build_head):
        constructor, build_head = made, []
    forward, code = Body(layout, "", {layout.graph.input.path: "x"}).write()
    forward += return_lines(layout, "", code)
    backbone, head = ([line for line, _ in lines] for lines in (constructor, build_head))
    return [*helpers(layout), *texts, network_class(layout, backbone, head, forward)]


def helpers(layout: Layout) -> list[str]:
    """The functions that classes use."""
    facts: dict[str, str] = {}
    if len(layout.aligned) == 1:
        how = f"align_corners={next(iter(layout.aligned))}"
        facts = {", align_corners: bool = False": "", "align_corners=align_corners": how}
    resizing = [specialise("resize", facts)] if layout.aligned else []
    return [*resizing, *_starting_functions(layout.graph), *copied_classes(layout.graph)]


def network_class(
    layout: Layout,
    constructor: Sequence[str],
    build_head: Sequence[str],
    forward: Sequence[str],
    base: str = "nn.Module",
    parameters: Sequence[str] = (),
) -> str:
    """`HRNet`, given the lines that make backbone and head, and those of `forward`.

    Where there are none of `build_head`, those of the head are among the others.
    """
    graph, image = layout.graph, layout.graph.input.type
    outputs = [graph[path].type for path in graph.output_paths]
    before, after = _starting_calls(layout, is_mixed=not build_head)
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
    shape = f"x: {shapes_of([image], image)} -> {shapes_of(outputs, image)}"
    return class_text("HRNet", base, "The network: images in, results out.", shape, lines)


_WEIGHTS = {
    "kaiming": (
        "He's normal distribution (fan-out)",
        'nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")',
    ),
    "lecun": (
        "LeCun's normal distribution (fan-in)",
        'nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")',
    ),
    "normal": ("a narrow normal distribution", "nn.init.normal_(layer.weight, std={std!r})"),
}
"""A spec's way to start convolutions -> its name, and the line that does it."""


def _named(graph: Graph) -> dict[str, Initialisation]:
    """The functions that a file needs: torch's own layers start in the default way themselves."""
    ways = {"init_weights": graph.init}
    if graph.head_init != graph.init:
        ways["init_head"] = graph.head_init
    return {name: how for name, how in ways.items() if {how.conv, how.conv_bias} != {"default"}}


def _starting_functions(graph: Graph) -> list[str]:
    """What starts weights: one function for all, or one for the backbone and one for the head."""
    transposed = any(isinstance(node.op, ConvTranspose2d) for node in graph.nodes)
    layers = "nn.Conv2d | nn.ConvTranspose2d" if transposed else "nn.Conv2d"
    zero = any(isinstance(node.op, ZeroConv2d) for node in graph.nodes)
    others = " and not isinstance(layer, ZeroConv2d)" if zero else ""
    made = []
    for name, init in _named(graph).items():
        how, line = _WEIGHTS.get(init.conv, ("torch's own distribution", ""))
        body = [f"        {line.format(std=init.std)}"] if line else []
        if init.conv_bias == "zero":
            how += ", biases at zero"
            body += ["        if layer.bias is not None:", "            nn.init.zeros_(layer.bias)"]
        docstring = f'    """Starts convolutions by {how}."""'
        head = [f"def {name}(layer: nn.Module) -> None:", docstring]
        made.append("\n".join([*head, f"    if isinstance(layer, {layers}){others}:", *body]))
    return made


def _starting_calls(layout: Layout, is_mixed: bool) -> tuple[list[str], list[str]]:
    """The constructor's lines that start weights: those before the head is made, and those after.

    Where the head `is_mixed` with the rest, all is made before.
    """
    graph, named = layout.graph, _named(layout.graph)
    backbone = ["        self.apply(init_weights)"] if "init_weights" in named else []
    if graph.head_init == graph.init:
        return [], backbone

    def apply(function: str, to_head: bool) -> list[str]:
        parts = [key for key in registered(layout, "") if layout.in_head(key) == to_head]
        made = (name if is_name(name) else f"get_submodule({name!r})" for name in parts)
        return [f"        self.{name}.apply({function})" for name in made if function in named]

    return apply("init_weights", False) if is_mixed else backbone, apply("init_head", True)
