"""`hrnet-graph schema`."""

from __future__ import annotations

import click

from hrnet_graph.cli.arguments import as_command
from hrnet_graph.cli.terminal import note, print_bare_json
from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted


@as_command("schema > hrnet-graph.schema.json", "schema --of flops")
@click.option("--of", metavar="COMMAND", help="The schema of what a command prints with --json.")
def command(of: str | None, as_json: bool) -> None:
    """Print the JSON Schema of the spec language, or of a command's JSON."""
    if of is not None:
        print_bare_json(_schema_of(of))
        return
    from hrnet_graph.rules.registry import broken_rules
    from hrnet_graph.spec.json_schema import json_schema

    for problem in broken_rules():
        note(f"warning: {problem}")
    print_bare_json(json_schema())


def _schema_of(command: str) -> dict[str, object]:
    from hrnet_graph.cli.documents import DOCUMENTS, schema_of

    if command not in DOCUMENTS:
        known = did_you_mean(command, tuple(DOCUMENTS))
        raise HRNetGraphError(f"--of: unknown command {quoted(command)}{known}")
    return schema_of(command)
