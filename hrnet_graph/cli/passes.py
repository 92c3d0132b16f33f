"""What the passes did to a graph and refused, and its figures before and after. Without torch."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from hrnet_graph.analysis.cost import analyze
from hrnet_graph.analysis.memory import memory, scheduled_peak
from hrnet_graph.cli.terminal import print_json, print_table
from hrnet_graph.compiler.passes.optimize import Optimized, Target, optimize
from hrnet_graph.ir.graph import Graph


def report_passes(graph: Graph, target: Target, as_json: bool) -> None:
    """Prints what optimizing a graph for a target does."""
    optimized = optimize(graph, target)
    data = _data(optimized, target)
    if as_json:
        print_json(data)
        return
    print_table(
        ("pass", "done", "refused", "nodes", "MACs"),
        [
            (row["pass"], *(f"{row[c]:,}" for c in ("done", "refused", "nodes", "macs")))
            for row in data["passes"]
        ],
        title=f"{graph.name} at {graph.input.type}, for {target}",
        right=("done", "refused", "nodes", "MACs"),
    )
    for row in data["passes"]:
        for reason, count in row["reasons"].items():
            click.echo(f"refused {count} x {row['pass']}: {reason}")
    before, after = data["before"], data["after"]
    for column, unit in _UNITS.items():
        click.echo(f"{column}: {before[column]:,} -> {after[column]:,} {unit}".rstrip())


_UNITS = {"nodes": "", "macs": "", "params": "", "peak": "bytes of results at once"}


def _data(optimized: Optimized, target: Target) -> dict[str, Any]:
    graph = optimized.before
    rows = []
    for name, step in optimized.steps:
        reasons = Counter(refusal.reason for refusal in step.refused)
        rows.append(
            {
                "pass": name,
                "done": len(step.done),
                "refused": len(step.refused),
                "nodes": len(step.graph.nodes),
                "macs": analyze(step.graph).macs,
                "reasons": dict(reasons),
                "sites": list(step.done),
                "refusals": [refusal._asdict() for refusal in step.refused],
            }
        )
    after = optimized.graph
    peak = scheduled_peak(after)[0] if target == "torch" else memory(after).peak
    return {
        "name": graph.name,
        "target": target,
        "input": graph.input.type.shape,
        "passes": rows,
        "before": {**_figures(graph), "peak": memory(graph).peak},
        "after": {**_figures(after), "peak": peak},
    }


def _figures(graph: Graph) -> dict[str, int]:
    report = analyze(graph)
    return {"nodes": len(graph.nodes), "macs": report.macs, "params": report.params}
