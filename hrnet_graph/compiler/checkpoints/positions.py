"""Biases of positions, which one repository's code holds and never reads, and others add."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, zeros_like

from hrnet_graph.compiler.weights.dialects import Dialect
from hrnet_graph.compiler.weights.held import reads_positions
from hrnet_graph.errors import FileError, quoted
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.ops import WindowAttention

TABLE = "relative_position_bias_table"


def positions_as_read(
    published: Mapping[str, Tensor], source: Dialect, target: Dialect, own: Graph | None
) -> dict[str, Tensor]:
    """The tables that a dialect's code has to read as the source's own does: zeros if that doesn't.

    published: published key -> weight; own: the network itself, where that is known

    Raises `FileError` for a table of other numbers that is read here and would not be there.
    """
    tables = {key: value for key, value in published.items() if key.endswith(TABLE)}
    ignored = {*tables} if not reads_positions(source) else set[str]()
    if own is not None:
        ignored = {source.to_published(key) for key in _unread(own)}
    if reads_positions(target):
        return {key: zeros_like(value) for key, value in tables.items() if key in ignored}
    for key, value in tables.items():
        if key not in ignored and bool(value.any()):
            what = f"{quoted(key, 120)}: that repository's network holds and never reads it"
            raise FileError(f"{target.name} cannot hold this network: {what}")
    return {}


def check_positions(values: Mapping[str, Tensor], graph: Graph, source: Dialect, file: str) -> None:
    """Raises `FileError` if a network does not read what the file's repository adds.

    values: the network's own keys -> weights of the file. Official keys are those of our files,
    too, and say of neither.
    """
    if source.name == "official":
        return
    for key in _unread(graph):
        if key in values and bool(values[key].any()):
            what = f"{key} is not zero and {source.name} adds it, which {graph.name} never reads"
            hint = "`position_bias: true` in its transformer blocks reads it"
            raise FileError(f"{quoted(file, 200)}: {what}", hint)


def _unread(graph: Graph) -> list[str]:
    """The keys of tables that a network holds and does not read."""
    nodes = (n for n in graph.nodes if isinstance(n.op, WindowAttention) and not n.op.biased)
    return [f"{node.key}.{TABLE}" for node in nodes]
