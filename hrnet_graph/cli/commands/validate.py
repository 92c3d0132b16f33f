"""`hrnet-graph validate`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

import click

import hrnet_graph as hg
from hrnet_graph.cli.arguments import Load, as_command, complete_spec, takes_changes
from hrnet_graph.cli.terminal import note, print_json
from hrnet_graph.errors import Key, Problem, SpecError

if TYPE_CHECKING:
    from hrnet_graph.spec.source import Located


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
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for name in specs:
        try:
            warnings += _warnings(load(name))
        except SpecError as error:
            errors += error.problems
    if as_json:
        found = {"errors": errors, "warnings": warnings}
        print_json({name: [asdict(p) for p in problems] for name, problems in found.items()})
    for problem in errors:
        note(str(problem))
    for problem in warnings:
        note(f"warning: {problem}")
    if not errors and not as_json:
        click.echo(f"{len(specs)} {'spec is' if len(specs) == 1 else 'specs are'} valid")
    sys.exit(2 if errors else 0)


def _warnings(spec: hg.Spec) -> list[Problem]:
    """What is legal and yet what nobody wants. Raises `SpecError` if the network does not fit."""
    from hrnet_graph.analysis.dead import dead_parts
    from hrnet_graph.spec.layers import blame
    from hrnet_graph.spec.load import check
    from hrnet_graph.spec.problems import problem_at
    from hrnet_graph.viz.numbers import count_of, short

    def has(key: Key, root: Located) -> bool:
        try:
            return any(part.key == key for part in dead_parts(hg.build_graph(check(root))))
        except SpecError:
            return False

    return [
        problem_at(
            blame(spec.layers, part.key, partial(has, part.key)),
            part.key,
            f"{part.place} reaches no output: {short(part.cost.params)} params and"
            f" {count_of(part.cost.macs, 'MACs')} for nothing",
            part.remedy,
        )
        for part in dead_parts(hg.build_graph(spec))
    ]
