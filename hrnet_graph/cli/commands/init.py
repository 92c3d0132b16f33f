"""`hrnet-graph init`."""

from __future__ import annotations

import json
from pathlib import Path

import click

import hrnet_graph as hg
from hrnet_graph.cli.arguments import complete_spec, json_option, output_option
from hrnet_graph.cli.terminal import wrote
from hrnet_graph.errors import FileError
from hrnet_graph.files import check_suffix, check_writable, exists, write_text

SCHEMA_FILE = "hrnet-graph.schema.json"


@click.command()
@click.argument("name", shell_complete=complete_spec)
@output_option("NAME.yaml")
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
@json_option
def command(name: str, output: Path | None, force: bool, as_json: bool) -> None:
    """Copy a catalogue spec out to be edited.

    It is written whole, with the schema line that editors read. The schema is written beside it, so
    that editors complete and check the spec as you type.
    """
    from hrnet_graph.spec.catalogue import SUFFIXES
    from hrnet_graph.spec.emit import to_template
    from hrnet_graph.spec.json_schema import json_schema

    spec = hg.load_spec(name)
    target = output or Path(f"{spec.file_name}.yaml")
    check_suffix(target, SUFFIXES)
    if exists(target) and not force:
        raise FileError(f"{target} is there already", "give another name with -o, or --force")
    check_writable(target)
    write_text(target.parent / SCHEMA_FILE, json.dumps(json_schema(), indent=1) + "\n")
    write_text(target, to_template(spec, SCHEMA_FILE))
    wrote(target, as_json, schema=str(target.parent / SCHEMA_FILE))
