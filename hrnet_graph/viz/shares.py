"""Where parameters, MACs and memory go: bars by stage, divided by branch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hrnet_graph.analysis.cost import Report, naming
from hrnet_graph.viz.numbers import short
from hrnet_graph.viz.plot import new_figure, write_figure
from hrnet_graph.viz.theme import BRANCHES

FIGURES: Mapping[str, str] = {"params": "parameters", "macs": "MACs", "activations": "activations"}
"""What is shown, and how it is called: activations are the numbers in all results."""

APART = "#bbbbbb"
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "ooo")
"""Patterns that tell branches apart where colours do not."""

Shares = Mapping[str, Mapping[str, float]]
"""Stage -> branch -> share of the whole."""


def shares(report: Report, figure: str) -> Shares:
    """The share of each branch of each stage in the whole; what belongs to no branch is ''."""
    stage_of, branch_of = naming(report.graph, "stage"), naming(report.graph, "branch")
    total = getattr(report.total, figure)
    found: dict[str, dict[str, float]] = {}
    for node in report.graph.order:
        stage, branch = stage_of(node), branch_of(node)
        count = getattr(report.nodes[node.path], figure)
        if node is not report.graph.input:
            parts = found.setdefault(stage, {})
            label = branch if branch.startswith("branch ") else ""
            parts[label] = parts.get(label, 0.0) + (count / total if total else 0.0)
    return found


def plot_shares(report: Report, path: Path) -> None:
    """Draws the shares as svg or png by suffix, one chart a figure, side by side."""
    figure = new_figure(10, 4.2)
    figure.suptitle(f"{report.graph.name} at {report.graph.input.type}")
    charts = figure.subplots(1, len(FIGURES), sharey=True)
    branches: dict[str, None] = {}
    for axes, (name, label) in zip(charts, FIGURES.items(), strict=True):
        found = shares(report, name)
        stages = list(found)[::-1]
        branches |= dict.fromkeys(sorted({b for parts in found.values() for b in parts}))
        left = [0.0] * len(stages)
        for branch in branches:
            widths = [100 * found[stage].get(branch, 0.0) for stage in stages]
            axes.barh(stages, widths, left=left, **_look(branch), label=branch or "no branch")
            left = [a + b for a, b in zip(left, widths, strict=True)]
        for stage, end in zip(stages, left, strict=True):
            axes.annotate(f"{end:.1f} %", (end, stage), (4, 0), textcoords="offset points",
                          va="center", size=8)  # fmt: skip
        axes.set(title=f"{label}: {short(getattr(report.total, name))}", xlabel="share, %")
        axes.set_xlim(0, 1.22 * max(left))
    handles, labels = charts[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    write_figure(figure, path)


def _look(branch: str) -> dict[str, str]:
    if not branch:
        return {"color": APART, "edgecolor": "white"}
    index = int(branch.removeprefix("branch "))
    return {
        "color": BRANCHES[index % len(BRANCHES)],
        "hatch": HATCHES[index % len(HATCHES)],
        "edgecolor": "white",
    }
