"""How the weights of a written network start: as the spec says, in a few lines."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.compiler.source.expressions import is_name
from hrnet_graph.ir.graph import Graph, Initialisation
from hrnet_graph.ir.ops import ConvTranspose2d

DEFAULT = Initialisation(conv="default")

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


def is_default(init: Initialisation) -> bool:
    """Whether torch's own layers start so by themselves."""
    return init.conv == "default" and init.conv_bias == "default"


def functions(graph: Graph) -> list[str]:
    """What starts weights: one function for all, or one for the backbone and one for the head."""
    named = {"init_weights": graph.init}
    if graph.head_init != graph.init:
        named["init_head"] = graph.head_init
    return [_function(graph, name, how) for name, how in named.items() if not is_default(how)]


def _function(graph: Graph, name: str, init: Initialisation) -> str:
    transposed = any(isinstance(node.op, ConvTranspose2d) for node in graph.nodes)
    kinds = "nn.Conv2d | nn.ConvTranspose2d" if transposed else "nn.Conv2d"
    how, line = _WEIGHTS.get(init.conv, ("torch's own distribution", ""))
    zero = init.conv_bias == "zero"
    biases = ", biases at zero" if zero else ""
    lines = [
        f"def {name}(layer: nn.Module) -> None:",
        f'    """Starts convolutions by {how}{biases}."""',
        f"    if isinstance(layer, {kinds}):",
    ]
    if line:
        lines.append(f"        {line.format(std=init.std)}")
    if zero:
        lines += [
            "        if layer.bias is not None:",
            "            nn.init.zeros_(layer.bias)",
        ]
    return "\n".join(lines)


def after_backbone(graph: Graph) -> list[str]:
    """The constructor's line that starts the backbone, where the head starts in another way."""
    if graph.head_init == graph.init or is_default(graph.init):
        return []
    return ["        self.apply(init_weights)"]


def after_head(graph: Graph, head: Sequence[str]) -> list[str]:
    """The lines that start the head, given its attributes, where it starts in a way of its own."""
    if graph.head_init == graph.init or is_default(graph.head_init):
        return []
    return [
        f"        self.{name}.apply(init_head)"
        if is_name(name)
        else f"        self.get_submodule({name!r}).apply(init_head)"
        for name in head
    ]


def after_all(graph: Graph) -> list[str]:
    """The constructor's line that starts everything, where backbone and head start alike."""
    if graph.head_init != graph.init or is_default(graph.init):
        return []
    return ["        self.apply(init_weights)"]
