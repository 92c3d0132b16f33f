"""`hrnet-graph schema`."""

from __future__ import annotations

from hrnet_graph.cli.arguments import as_command
from hrnet_graph.cli.terminal import note, print_json


@as_command("schema > hrnet-graph.schema.json")
def command(as_json: bool) -> None:
    """Print the JSON Schema of the spec language."""
    from hrnet_graph.rules.registry import broken_rules
    from hrnet_graph.spec.json_schema import json_schema

    for problem in broken_rules():
        note(f"warning: {problem}")
    print_json(json_schema())
