"""`hrnet-graph validate`."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from hrnet_graph.cli.arguments import Load, as_command, complete_spec, takes_changes
from hrnet_graph.cli.terminal import note, print_json

if TYPE_CHECKING:
    from hrnet_graph.errors import Problem


@as_command(
    "validate mine.yaml",
    "validate hrnet_w32_cls --set width=20",
)
@click.argument("specs", nargs=-1, required=True, shell_complete=complete_spec, metavar="SPEC...")
@takes_changes
def command(specs: tuple[str, ...], load: Load, as_json: bool) -> None:
    """Check specs and prove that their networks fit.

    All errors are reported at once, each with its place.
    """
    from hrnet_graph.compiler.check import check_what

    errors: list[Problem] = []
    warnings: list[Problem] = []
    for name in specs:
        found = check_what(partial(load, name))
        errors += found.problems
        warnings += found.warnings
    if as_json:
        told = {"errors": errors, "warnings": warnings}
        print_json({name: [p.as_dict() for p in problems] for name, problems in told.items()})
    for problem in errors:
        note(str(problem))
    for problem in warnings:
        note(f"warning: {problem}")
    if not errors and not as_json:
        click.echo(f"{len(specs)} {'spec is' if len(specs) == 1 else 'specs are'} valid")
    sys.exit(2 if errors else 0)
