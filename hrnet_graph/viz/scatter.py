"""Variants as points: parameters against MACs. Needs the extra `plot`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hrnet_graph.viz.plot import new_figure, write
from hrnet_graph.viz.theme import BRANCHES, INK

Point = tuple[int, int, str]
"""MACs, params and a label."""


def scatter(points: Sequence[Point], front: Sequence[Point], path: Path, title: str) -> None:
    """Draws params against GMACs as svg or png by suffix; `front` are joined and labelled."""
    figure = new_figure()
    axes = figure.subplots()
    axes.scatter(*_axes(points), color=BRANCHES[0], s=24, label="variants")
    joined = sorted(front)
    axes.plot(*_axes(joined), color=BRANCHES[1], marker="o", label="not beaten in both")
    if len(joined) <= 12:
        for macs, params, label in joined:
            at = (macs / 1e9, params / 1e6)
            axes.annotate(label, at, xytext=(6, -10), textcoords="offset points", color=INK, size=8)
    axes.set(xlabel="GMACs (1e9)", ylabel="parameters (1e6)", title=title)
    axes.legend()
    write(figure, path)


def _axes(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [p[0] / 1e9 for p in points], [p[1] / 1e6 for p in points]
