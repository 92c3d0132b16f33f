"""`hrnet-graph search`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import hrnet_graph as hg
from hrnet_graph.choices import DIRECTIONS
from hrnet_graph.cli.arguments import file_option, json_option, read_space, takes_space, takes_spec
from hrnet_graph.cli.table import Table, number, text
from hrnet_graph.cli.terminal import note, present, working


@click.command()
@takes_spec
@takes_space
@click.option(
    "--trials",
    type=click.IntRange(1, 1_000_000),
    default=100,
    show_default=True,
    help="Variants to try in all, those of earlier runs included.",
)
@click.option(
    "--storage",
    required=True,
    metavar="FILE|URL",
    help="Where the search is kept: it resumes there, and machines may share it.",
)
@click.option(
    "--objective",
    metavar="MODULE:FUNCTION",
    help="A function of a Spec that returns what is sought. Default: params and MACs.",
)
@click.option(
    "--direction",
    "directions",
    multiple=True,
    type=click.Choice(DIRECTIONS),
    help="Once for each number that the objective returns. Default: minimize.",
)
@click.option("--seed", type=int, metavar="N", help="The seed of the choices.")
@file_option(
    "-o",
    "--output",
    metavar="FOLDER",
    help="Write the winners there, as ordinary specs, in place of those of an earlier search.",
)
@json_option
def command(
    spec: hg.Spec,
    varied: tuple[str, ...],
    where: str | None,
    objective: str | None,
    output: Path | None,
    as_json: bool,
    **how: Any,
) -> None:
    """Search a space of variants under limits.

    Keeps the variants that no other beats. A search that was stopped, by whatever, resumes from its
    storage with nothing lost.
    """
    from hrnet_graph.search.study import read_objective, search
    from hrnet_graph.search.winners import check_folder, write_winners

    vary, keeps = read_space(varied, where)
    if output is not None:
        check_folder(output, spec.file_name)
    with working(f"searching variants of {spec.name}"):
        sought = read_objective(objective) if objective else None
        found = search(spec, vary, objective=sought, where=keeps, **how)
    specs = [winner.spec for winner in found.winners]
    files, old = write_winners(specs, output, spec.file_name) if output is not None else ([], [])
    data = {**found.as_dict(), "files": [*map(str, files)]}
    count = len(found.winners[0].objective) if found.winners else 0
    columns = (
        *(text(key, none="None") for key in vary),
        *(number(f"objective {i}", form=",.6g") for i in range(count)),
    )
    tried = f"{found.finished} trials, {found.refused} of them refused by the limits"
    present(Table(columns, found.rows(), notes=(tried,)), as_json, data=lambda: data)
    if not as_json:
        for file in files:
            note(f"wrote {file}")
        for file in old:
            note(f"removed {file}, a winner of an earlier search")
