"""Parts of a network that training leaves as they are."""

from __future__ import annotations

from hrnet_graph.compiler.torch.inference import refuse_optimized
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted
from hrnet_graph.ir.graph import Graph, Node, display_name
from hrnet_graph.ir.hierarchy import boxes_at, outermost

PUBLISHED = {"stage1": "layer1"}
"""The stage that the published code calls otherwise."""


def freeze(model: Network, *, upto: str | None) -> tuple[str, ...]:
    """Keeps a network, in place, from its first layer up to a part, that one included, as it is.

    Parameters ask for no gradient; norms go by their running statistics and leave them as they are,
    after `model.train()` too. `upto` is `stem`, `stage3` or another such part; what an earlier call
    froze beyond it trains again, and all of it with None. Returns the frozen parts in order.

    Raises `HRNetGraphError` for a part that there is not, with the nearest name, and for a network
    that is optimized for inference.

    Example:
        >>> model = hg.build_module("hrnet_w18_small_v1_cls")
        >>> hg.freeze(model, upto="stage2")
        ('stem', 'layer1', 'transition1', 'stage2')
        >>> model.train().bn1.training, model.conv1.weight.requires_grad
        (False, False)
    """
    refuse_optimized(model)
    parts = _parts(model.graph)
    name = PUBLISHED.get(upto or "", upto)
    if name is not None and name not in parts:
        known = did_you_mean(upto, [*parts])
        raise HRNetGraphError(f"no part {quoted(upto)} in {model.graph.name}{known}")
    names = [] if name is None else [*parts][: [*parts].index(name) + 1]
    layers = tuple(node.key for name in names for node in parts[name])
    for key in model.frozen:
        model.get_submodule(key).requires_grad_(True)
    for key in layers:
        model.get_submodule(key).requires_grad_(False)
    model.frozen = layers
    model.train(model.training)
    return tuple(names)


def _parts(graph: Graph) -> dict[str, list[Node]]:
    """Stem, stages, transitions and head, in execution order, each with its nodes."""
    boxes, parts = boxes_at(graph, "stage"), dict[str, list[Node]]()
    for node in graph.order[1:]:
        path = outermost(node.path, boxes).removeprefix(graph.backbone_prefix)
        parts.setdefault(display_name(path), []).append(node)
    return parts
