"""Candidates as bars: a median and its spread each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hrnet_graph.viz.plot import new_figure, write_figure
from hrnet_graph.viz.theme import BRANCHES, INK

Bar = tuple[str, float, float, float]
"""A label, the least, the middle and the greatest value."""


def bars(rows: Sequence[Bar], path: Path, title: str, unit: str) -> None:
    """Draws a bar a row, the first on top, to its middle value, with a line over its spread."""
    figure = new_figure(7, 1.5 + 0.45 * len(rows))
    axes = figure.subplots()
    labels = [label.replace("$", r"\$") for label, *_ in rows]
    places = range(len(rows))
    middles = [middle for _, _, middle, _ in rows]
    around = [
        [middle - least for _, least, middle, _ in rows],
        [greatest - middle for _, _, middle, greatest in rows],
    ]
    drawn = axes.barh(places, middles, xerr=around, color=BRANCHES[0], ecolor=INK, capsize=3)
    axes.bar_label(drawn, fmt="%.4g", padding=4, color=INK)
    axes.set_yticks(places, labels)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set(xlabel=unit, title=title)
    write_figure(figure, path)
