"""Charts through matplotlib, as svg or png by suffix, the same bytes from run to run.

They need the extra `plot`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hrnet_graph.analysis.cost import Report, naming
from hrnet_graph.analysis.numbers import short
from hrnet_graph.analysis.receptive_field import strides
from hrnet_graph.extras import require
from hrnet_graph.files import atomic_write
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.hierarchy import branch_of
from hrnet_graph.viz.theme import INK, RESOLUTIONS, face_of, number_of

FIGURES: Mapping[str, str] = {"params": "parameters", "macs": "MACs", "activations": "activations"}
"""What shares are of, and how it is called: activations are the numbers in all results."""

ACCENT = "#d55e00"
"""For what stands out."""

HATCHES = ("", "///", "...", "xxx", "\\\\\\", "ooo")
"""Patterns that tell branches apart where colours do not."""

Bar = tuple[str, float, float, float]
"""A label, the least, the middle and the greatest value."""

Point = tuple[int, int, str]
"""MACs, params and a label."""


def plot_bars(rows: Sequence[Bar], path: Path, title: str, unit: str) -> None:
    """Draws a bar a row, the first on top, to its middle value, with a line over its spread."""
    figure = new_figure(7, 1.5 + 0.45 * len(rows))
    axes = figure.subplots()
    middles = [middle for _, _, middle, _ in rows]
    around = [
        [middle - least for _, least, middle, _ in rows],
        [greatest - middle for _, _, middle, greatest in rows],
    ]
    places = range(len(rows))
    drawn = axes.barh(places, middles, xerr=around, color=RESOLUTIONS[0], ecolor=INK, capsize=3)
    axes.bar_label(drawn, fmt="%.4g", padding=4, color=INK)
    axes.set_yticks(places, [label.replace("$", r"\$") for label, *_ in rows])
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set(xlabel=unit, title=title)
    write_figure(figure, path)


def plot_scatter(points: Sequence[Point], front: Sequence[Point], path: Path, title: str) -> None:
    """Draws variants as points, params against GMACs; those of `front` are joined and labelled."""
    figure = new_figure(7, 4.5)
    axes = figure.subplots()

    def at(variants: Sequence[Point]) -> tuple[list[float], list[float]]:
        return [macs / 1e9 for macs, _, _ in variants], [params / 1e6 for _, params, _ in variants]

    axes.scatter(*at(points), color=RESOLUTIONS[0], s=24, label="variants")
    joined = sorted(front)
    axes.plot(*at(joined), color=ACCENT, marker="o", label="not beaten in both")
    if len(joined) <= 12:
        for x, y, (_, _, label) in zip(*at(joined), joined, strict=True):
            axes.annotate(label, (x, y), (6, -10), textcoords="offset points", color=INK, size=8)
    axes.set(xlabel="GMACs (1e9)", ylabel="parameters (1e6)", title=title)
    axes.legend()
    write_figure(figure, path)


def shares(report: Report, figure: str) -> dict[str, dict[str, float]]:
    """Stage -> branch -> its share of the whole; what belongs to no branch is ''."""
    stage_of, branch_of = naming(report.graph, "stage"), naming(report.graph, "branch")
    total = getattr(report.total, figure) or 1
    found: dict[str, dict[str, float]] = {}
    for node in report.graph.order[1:]:
        parts, branch = found.setdefault(stage_of(node), {}), branch_of(node)
        label = branch if branch.startswith("branch ") else ""
        parts[label] = parts.get(label, 0.0) + getattr(report.nodes[node.path], figure) / total
    return found


def plot_shares(report: Report, path: Path) -> None:
    """Draws where parameters, MACs and memory go: bars by stage, divided by branch."""
    figure = new_figure(10, 4.2)
    figure.suptitle(f"{report.graph.name} at {report.graph.input.type}")
    charts = figure.subplots(1, len(FIGURES), sharey=True)
    branches: dict[str, None] = {}
    look_of = _looks(report.graph)
    for axes, (name, label) in zip(charts, FIGURES.items(), strict=True):
        found = shares(report, name)
        stages = list(found)[::-1]
        branches |= dict.fromkeys(sorted({b for parts in found.values() for b in parts}))
        left = [0.0] * len(stages)
        for branch in branches:
            widths = [100 * found[stage].get(branch, 0.0) for stage in stages]
            axes.barh(stages, widths, left=left, label=branch or "no branch", **look_of[branch])
            left = [a + b for a, b in zip(left, widths, strict=True)]
        for stage, end in zip(stages, left, strict=True):
            axes.annotate(f"{end:.1f} %", (end, stage), (4, 0), textcoords="offset points",
                          va="center", size=8)  # fmt: skip
        axes.set(title=f"{label}: {short(getattr(report.total, name))}", xlabel="share, %")
        axes.set_xlim(0, 1.22 * max(left))
    handles, labels = charts[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    write_figure(figure, path)


def _looks(graph: Graph) -> dict[str, dict[str, str]]:
    """Branch -> its colour, which is that of its resolution, and its pattern."""
    looks = {"": {"color": "#bbbbbb", "edgecolor": "white"}}
    stride = strides(graph)
    for node in graph.order:
        branch = branch_of(graph, node.path)
        if branch is not None and f"branch {branch}" not in looks:
            colour, hatch = face_of(number_of(stride[node.path])), HATCHES[branch % len(HATCHES)]
            looks[f"branch {branch}"] = {"color": colour, "hatch": hatch, "edgecolor": "white"}
    return looks


def new_figure(width: float, height: float) -> Any:
    """An empty `matplotlib.figure.Figure`, in inches. Raises `HRNetGraphError` if there is none."""
    require("plot", "a chart")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def write_figure(figure: Any, path: Path) -> None:
    """Writes a figure whole or not at all; the process's own settings of matplotlib stay."""
    import matplotlib as mpl

    format = path.suffix[1:].lower()
    metadata = {"Date": None} if format == "svg" else {}
    with atomic_write(path) as draft, mpl.rc_context({"svg.hashsalt": "hrnet-graph"}):
        figure.savefig(draft, format=format, dpi=150, metadata=metadata)
