"""What the passes did to a graph and refused, and its figures before and after. Without torch."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hrnet_graph.analysis.cost import analyze
from hrnet_graph.analysis.memory import BYTES, memory
from hrnet_graph.analysis.peak_memory import scheduled_peak
from hrnet_graph.choices import PassTarget
from hrnet_graph.cli.table import Table, number, text
from hrnet_graph.cli.terminal import present
from hrnet_graph.compiler.passes.optimize import Optimized, optimize
from hrnet_graph.ir.graph import Graph

COLUMNS = (text("pass"), *map(number, ("done", "refused", "nodes")), number("macs", "MACs"))
UNITS = {"nodes": "", "macs": "", "params": "", "peak": " bytes of results at once"}


def report_passes(graph: Graph, target: PassTarget, as_json: bool) -> None:
    """Prints what optimizing a graph for a target does."""
    data = _data(optimize(graph, target), target)
    refused = [
        f"refused {count} x {row['pass']}: {reason}"
        for row in data["passes"]
        for reason, count in row["reasons"].items()
    ]
    before, after = data["before"], data["after"]
    changes = [f"{name}: {before[name]:,} -> {after[name]:,}{unit}" for name, unit in UNITS.items()]
    title = f"{graph.name} at {graph.input.type}, for {target}"
    table = Table(COLUMNS, data["passes"], title, notes=(*refused, *changes))
    present(table, as_json, data=lambda: data)


def _data(optimized: Optimized, target: PassTarget) -> dict[str, Any]:
    before, after = optimized.before, optimized.graph
    peak = memory(after).peak
    if target == "torch":
        peak = BYTES["float32"] * scheduled_peak(after).elements
    return {
        "name": before.name,
        "target": target,
        "input": before.input.type.shape,
        "passes": [
            {
                "pass": name,
                "done": len(step.done),
                "refused": len(step.refused),
                "nodes": len(step.graph.nodes),
                "macs": analyze(step.graph).macs,
                "reasons": dict(Counter(refusal.reason for refusal in step.refused)),
                "sites": list(step.done),
                "refusals": [refusal._asdict() for refusal in step.refused],
            }
            for name, step in optimized.steps
        ],
        "before": {**_figures(before), "peak": memory(before).peak},
        "after": {**_figures(after), "peak": peak},
    }


def _figures(graph: Graph) -> dict[str, int]:
    report = analyze(graph)
    return {"nodes": len(graph.nodes), "macs": report.macs, "params": report.params}
