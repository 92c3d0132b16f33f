"""`hrnet-graph schema`."""

from __future__ import annotations

import click

from hrnet_graph.cli.terminal import note, print_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The schema is JSON in any case.")
def command(as_json: bool) -> None:
    """Print the JSON Schema of the spec language."""
    from hrnet_graph.rules.registry import broken_rules
    from hrnet_graph.spec.json_schema import json_schema

    for problem in broken_rules():
        note(f"warning: {problem}")
    print_json(json_schema())
