"""How the weights of a graph start, as its spec says for backbone and head."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hrnet_graph.ir.graph import Initialisation, Node
from hrnet_graph.ir.ops import Op
from hrnet_graph.ir.parts import Placed
from hrnet_graph.spec.schema import Init, LayerInit


def initialisations(
    items: Iterable[Node | Placed], init: Init
) -> tuple[Initialisation, Initialisation]:
    """How backbone and head of a network, given as nodes and parts, start."""
    backbone, head = dict[int, Op](), dict[int, Op]()  # one is shared by most nodes
    for item in items:
        if isinstance(item, Node):
            (head if item.path.startswith(_HEAD) else backbone)[id(item.op)] = item.op
        else:
            (head if item.prefix.startswith(_HEAD) else backbone).update(item.part.ops)
    if init.head is None:
        both = _initialisation(init, [*backbone.values(), *head.values()])
        return both, both
    return _initialisation(init, backbone.values()), _initialisation(init.head, head.values())


_HEAD = "@head."


def _initialisation(init: LayerInit, ops: Iterable[Op]) -> Initialisation:
    """How the convolutions among ops start; nothing is asked that none of them needs."""
    convs = [op for op in ops if op.family == "conv"]
    start = Initialisation()
    if convs:
        start = replace(start, conv=init.conv)
    if start.conv == "normal":
        start = replace(start, std=init.std)
    if any(getattr(conv, "bias", True) for conv in convs):
        start = replace(start, conv_bias=init.conv_bias)
    return start
