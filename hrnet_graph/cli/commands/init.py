"""`hrnet-graph init`."""

from __future__ import annotations

from pathlib import Path

import click

import hrnet_graph as hg
from hrnet_graph.cli.arguments import as_command, complete_spec, force_option, output_option
from hrnet_graph.cli.files import checked_target, specs
from hrnet_graph.cli.template import write_template
from hrnet_graph.cli.terminal import wrote


@as_command("init hrnet_w32_cls -o mine.yaml")
@click.argument("name", shell_complete=complete_spec)
@output_option("NAME.yaml", specs)
@force_option
def command(name: str, output: Path | None, as_json: bool) -> None:
    """Copy a catalogue spec out to be edited.

    It is written whole, with the schema line that editors read, and the schema beside it
    (hrnet-graph.schema.json), so that editors complete and check the spec as you type.
    """
    spec = hg.load_spec(name)
    target = output or checked_target(f"{spec.file_name}.yaml")
    schema = write_template(spec, target)
    wrote(target, as_json, schema, schema=str(schema))
