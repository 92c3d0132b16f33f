"""How the weights of a written network start: as the spec says, in a few lines."""

from __future__ import annotations

from collections.abc import Iterable

from hrnet_graph.compiler.source.expressions import is_name
from hrnet_graph.ir.graph import Graph, Initialisation
from hrnet_graph.ir.ops import ConvTranspose2d

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


def _is_default(init: Initialisation) -> bool:
    """Whether torch's own layers start so by themselves."""
    return init.conv == "default" and init.conv_bias == "default"


def functions(graph: Graph) -> list[str]:
    """What starts weights: one function for all, or one for the backbone and one for the head."""
    named = {"init_weights": graph.init}
    if graph.head_init != graph.init:
        named["init_head"] = graph.head_init
    return [_function(graph, name, how) for name, how in named.items() if not _is_default(how)]


def _function(graph: Graph, name: str, init: Initialisation) -> str:
    transposed = any(isinstance(node.op, ConvTranspose2d) for node in graph.nodes)
    layers = "nn.Conv2d | nn.ConvTranspose2d" if transposed else "nn.Conv2d"
    how, line = _WEIGHTS.get(init.conv, ("torch's own distribution", ""))
    zero = init.conv_bias == "zero"
    lines = [
        f"def {name}(layer: nn.Module) -> None:",
        f'    """Starts convolutions by {how}{", biases at zero" if zero else ""}."""',
        f"    if isinstance(layer, {layers}):",
    ]
    if line:
        lines.append(f"        {line.format(std=init.std)}")
    if zero:
        lines.append("        if layer.bias is not None:")
        lines.append("            nn.init.zeros_(layer.bias)")
    return "\n".join(lines)


def calls(graph: Graph, head: Iterable[str]) -> tuple[list[str], list[str]]:
    """The constructor's lines that start weights: those before the head is made, and those after.

    `head` are the head's attributes.
    """
    backbone = [] if _is_default(graph.init) else ["        self.apply(init_weights)"]
    if graph.head_init == graph.init:
        return [], backbone
    made = (f"{name}" if is_name(name) else f"get_submodule({name!r})" for name in head)
    after = [] if _is_default(graph.head_init) else made
    return backbone, [f"        self.{name}.apply(init_head)" for name in after]
