"""Published cost figures beside ours, each under the convention that its unit names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from hrnet_graph.analysis.cost import Report
from hrnet_graph.ir.ops import ConvTranspose2d
from hrnet_graph.spec.schema import Spec


def _macs_with_transposed_at_output(report: Report) -> float:
    """MACs where a transposed convolution is counted as if it ran at its output's resolution."""
    extra = sum(
        report.nodes[node.path].macs * (node.op.stride**2 - 1)
        for node in report.graph.nodes
        if isinstance(node.op, ConvTranspose2d)
    )
    return (report.macs + extra) / 1e9


def _params_without_biases(report: Report) -> float:
    """Millions of parameters but for what convolutions and linear layers add."""
    graph = report.graph
    biases = sum(
        entry.elements
        for node in graph.nodes
        if node.op.family in ("conv", "linear")
        for entry in node.op.state(graph.operands(node))
        if entry.name == "bias"
    )
    return (report.params - biases) / 1e6


CONVENTIONS: Mapping[str, Callable[[Report], float]] = {
    "M": lambda report: report.params / 1e6,
    "M, without biases of convolutions and linear layers": _params_without_biases,
    "MACs / 2^30": lambda report: report.macs / 2**30,
    "MACs / 1e9": lambda report: report.macs / 1e9,
    "MACs / 1e9, transposed convolution at its output": _macs_with_transposed_at_output,
}
"""Unit of a figure -> how it is counted.

Source: the repositories' own counters (lib/utils/modelsummary.py, lib/utils/utils.py), by
arithmetic where they print none.
"""


def published_rows(spec: Spec, report: Report) -> list[dict[str, Any]]:
    """The published cost figures of a network, each beside ours.

    ours: under the convention that its unit names; None if it counts more than a network alone
    reproduced: whether ours, rounded or cut off to the printed digits, is the same
    """
    rows = []
    for figure in spec.published.figures if spec.published else ():
        if figure.is_cost:
            count = CONVENTIONS.get(figure.unit)
            ours = count and count(report)
            rows.append(
                {
                    "name": spec.name,
                    "metric": figure.metric,
                    "published": figure.value,
                    "unit": figure.unit,
                    "ours": ours,
                    "reproduced": ours is not None and same_digits(figure.value, ours),
                    "note": figure.note,
                }
            )
    return rows


def same_digits(printed: float, counted: float) -> bool:
    """Whether a count, rounded or cut off to the digits that were printed, is what was printed.

    A trailing zero is not seen: 16.0 is taken for 16.0 and not for 16, since costs are printed to
    one place at least.
    """
    places = max(1, -int(Decimal(repr(printed)).as_tuple().exponent))
    unit = 10.0**-places
    return (
        abs(round(counted, places) - printed) < unit / 2
        or abs(int(counted / unit + 1e-9) * unit - printed) < unit / 2
    )
