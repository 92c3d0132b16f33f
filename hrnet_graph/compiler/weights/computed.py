"""Whether two networks of the same weights compute the same: their ops, with all options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields

from hrnet_graph.compiler.weights.dialect import Dialect
from hrnet_graph.compiler.weights.norms import BATCH
from hrnet_graph.errors import quoted
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import (
    AdaptiveAveragePool,
    BatchNorm,
    BilinearResize,
    ChannelDropout,
    DropPath,
    FrozenBatchNorm,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    Op,
    WindowAttention,
)

ABBREVIATIONS: Mapping[type[Op], str] = {
    BatchNorm: BATCH,
    FrozenBatchNorm: BATCH,
    GroupNorm: "gn",
    InstanceNorm: "in",
    LayerNorm: "ln",
}
"""What OpenMMLab's repositories call norms, by their ops."""

TRAINED: Mapping[type[Op], tuple[str, ...]] = {
    BatchNorm: ("momentum", "synchronised"),
    WindowAttention: ("biased",),
    AdaptiveAveragePool: ("size",),
}
"""Options that are not compared: what training alone does, what the values of weights say (zeros
are written where a bias was not read), sizes that configs state.
"""

DROPPED = (DropPath, ChannelDropout)
"""What training alone does."""

WHOLE = 1
"""The stride of a result of the image's size, to which any is brought outside of a network."""


def difference(
    graph: Graph, names: Mapping[str, str], theirs: Graph, dialect: Dialect
) -> str | None:
    """The first thing that a network computes and a repository's does not, or the reverse.

    names: the network's own keys -> published ones
    """
    ours = {names.get(key, key): op for key, op in stateful(graph)}
    for key, op in stateful(theirs):
        found = ours.get(key, op)
        if not _is_norm_of_configs(op, found, dialect) and (expected := _facts(op, found)):
            return f"{quoted(key, 120)}: expected {expected}, got {_facts(found, op)}"
    finest, theirs_finest = _stride(graph), _stride(theirs)
    if dialect.head != "features" and finest not in (WHOLE, theirs_finest):
        return f"its result has stride {theirs_finest}, that of this one {finest}"
    wanted, counted = _counted(theirs), _counted(graph)
    for what in sorted(wanted.keys() | counted.keys()):
        if wanted[what] != counted[what]:
            return f"its network has '{what}' {wanted[what]} times, this one {counted[what]}"
    return None


def stateful(graph: Graph) -> Iterator[tuple[str, Op]]:
    """The weights of a network, each with its op."""
    for node in graph.nodes:
        for entry in node.op.state(graph.operands(node)):
            yield node.key_of(entry), node.op


def _is_norm_of_configs(op: Op, found: Op, dialect: Dialect) -> bool:
    """Whether these are norms of which a config states all: OpenMMLab's `norm_cfg`."""
    return {type(op), type(found)} <= ABBREVIATIONS.keys() and dialect.by_kind


def _stride(graph: Graph) -> int:
    """Pixels of the image from one cell of the finest result to the next; 1 for vectors."""
    sizes = [graph[path].type.size for _, path in graph.outputs]
    heights = [size[0] for size in sizes if len(size) == 2]
    return round(graph.input.type.size[0] / max(heights)) if heights else WHOLE


def _options(op: Op) -> dict[str, object]:
    """All options that count; biases are weights themselves."""
    left = {"bias", *TRAINED.get(type(op), ())}
    return {each.name: getattr(op, each.name) for each in fields(op) if each.name not in left}


def _facts(op: Op, other: Op) -> str:
    """What an op is and another is not; a frozen norm applies what a batch norm does."""
    ours, theirs = _options(op), _options(other)
    frozen = {type(op), type(other)} == {BatchNorm, FrozenBatchNorm}
    if type(op) is not type(other) and not frozen:
        return type(op).__name__
    return ", ".join(f"{name} {ours[name]}" for name in ours if ours[name] != theirs[name])


def _counted(graph: Graph) -> Counter[str]:
    """How often a network computes what has no weights, without what training drops."""
    found = Counter[str]()
    for node in graph.operations:
        if node.op.state(graph.operands(node)) or isinstance(node.op, DROPPED):
            continue
        if not _is_to_image(node, graph):
            said = ((k, v) for k, v in _options(node.op).items() if v != node.op.label)
            options = "".join(f", {name} {value}" for name, value in said)
            pool = isinstance(node.op, AdaptiveAveragePool)
            found[
                f"{'average pool' if pool else node.op.label} of {len(node.inputs)}{options}"
            ] += 1
    return found


def _is_to_image(node: Node, graph: Graph) -> bool:
    """Whether it brings a result to the image's size, as is done outside of a network."""
    return isinstance(node.op, BilinearResize) and node.inputs[-1] == graph.input.path
