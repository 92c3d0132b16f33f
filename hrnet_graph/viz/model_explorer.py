"""A graph as Google's Model Explorer opens it: operations, in layers that open and close."""

from __future__ import annotations

import json
from typing import Any

from hrnet_graph.analysis.cost import Cost, Report, analyze
from hrnet_graph.ir.graph import Graph, Node, display_name
from hrnet_graph.ir.hierarchy import branch_of, prefixes


def to_model_explorer(graph: Graph) -> str:
    """The graph as a Model Explorer graph collection, in JSON.

    Source: google-ai-edge/model-explorer, `graph_builder.py` (version 0.1.34).
    """
    report = analyze(graph)
    whole = {
        "id": graph.name,
        "nodes": [_node(report, node) for node in graph.order],
        "groupNodeAttributes": _groups(report),
    }
    return json.dumps({"label": graph.name, "graphs": [whole]}, indent=1) + "\n"


def _node(report: Report, node: Node) -> dict[str, Any]:
    graph = report.graph
    outputs = [name for name, path in graph.outputs if path == node.path]
    facts = {
        "key": node.key,
        **_costs(report.nodes[node.path]),
        **{entry.name: str(entry.shape) for entry in node.op.state(graph.operands(node))},
        **({"output": ", ".join(outputs)} if outputs else {}),
    }
    if (branch := branch_of(graph, node.path)) is not None:
        facts["branch"] = str(branch)
    shape = ",".join(map(str, node.type.shape))
    return {
        "id": node.path,
        "label": node.op.label,
        "namespace": _namespace(node.path.split(".")[:-1]),
        "attrs": _pairs(facts),
        "incomingEdges": [
            {"sourceNodeId": path, "sourceNodeOutputId": "0", "targetNodeInputId": str(i)}
            for i, path in enumerate(node.inputs)
        ],
        "outputsMetadata": [{"id": "0", "attrs": _pairs({"tensor_shape": f"float32[{shape}]"})}],
    }


def _groups(report: Report) -> dict[str, dict[str, str]]:
    """What each layer is and costs; the empty name is the whole network."""
    graph = report.graph
    costs: dict[str, Cost] = {}
    for node in graph.order:
        for path in prefixes(node.path):
            costs[path] = costs.get(path, Cost()) + report.nodes[node.path]
    groups = {"": _costs(report.total)}
    for path, cost in costs.items():
        scope = graph.scope_at.get(path)
        what = {"kind": scope.label or scope.kind} if scope else {}
        groups[_namespace(path.split("."))] = what | _costs(cost)
    return groups


def _costs(cost: Cost) -> dict[str, str]:
    return {name: f"{getattr(cost, name):,}" for name in ("params", "macs", "activations")}


def _pairs(facts: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in facts.items()]


def _namespace(parts: list[str]) -> str:
    """Scopes from the outside in, separated by slashes."""
    return "/".join(display_name(part).replace("/", "\\/") for part in parts)
