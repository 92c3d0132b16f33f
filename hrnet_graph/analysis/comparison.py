"""The costs of several networks in one table, each beside the first one's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce

from hrnet_graph.analysis.cost import Cost, Report
from hrnet_graph.choices import Count, Grouping


def in_order(names: Iterable[str], more: Iterable[str]) -> list[str]:
    """The names of two rows in the order of both: a new one stands where it does in the second."""
    found = list(names)
    place = 0
    for name in more:
        if name in found:
            place = found.index(name)
        else:
            found.insert(place, name)
        place += 1
    return found


def compare(
    reports: Mapping[str, Report], by: Grouping | None = None, sort: Count | None = None
) -> list[dict[str, object]]:
    """A row for every network, or for every part and network: its counts, and by how much they are
    more than the first one's (`more_params`, ...).

    Parts stand in the order of execution, or first those of which some network has most of `sort`.
    """
    costs = {name: r.by(by) if by else {"total": r.total} for name, r in reports.items()}
    parts: list[str] = reduce(in_order, costs.values(), [])
    if sort is not None:
        most = {p: max(getattr(c.get(p, Cost()), sort) for c in costs.values()) for p in parts}
        parts.sort(key=lambda part: -most[part])
    first = next(iter(costs.values()))
    return [
        {
            **({by: part} if by else {}),
            "network": name,
            "input": str(report.graph.input.type),
            **_beside(costs[name].get(part, Cost()), first.get(part, Cost())),
        }
        for part in parts
        for name, report in reports.items()
    ]


def _beside(cost: Cost, first: Cost) -> dict[str, int]:
    counts, base = cost.as_dict(), first.as_dict()
    return {**counts, **{f"more_{key}": count - base[key] for key, count in counts.items()}}
