"""`hrnet-graph search`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import hrnet_graph as hg
from hrnet_graph.choices import COUNTS, DIRECTIONS
from hrnet_graph.cli.arguments import as_command, read_space, takes_space, takes_spec
from hrnet_graph.cli.table import FIGURES, Column, Table, number, text
from hrnet_graph.cli.terminal import note, present, working
from hrnet_graph.extras import require

if TYPE_CHECKING:
    from hrnet_graph.search.study import Outcome


@as_command(
    "search hrnet_w32_cls --vary width=8..64 --where 'macs < 5e9' --objective params"
    " --direction maximize --storage found.db",
    "search hrnet_w32_cls --vary width=16..48..8 --vary stages.2.modules=1..4 --storage s.db",
)
@takes_spec
@takes_space
@click.option(
    "--trials",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="Variants to try in all, those of earlier runs included. "
    "Default: every one of a space of up to 1,000, 100 of a larger one.",
)
@click.option(
    "--storage",
    required=True,
    metavar="FILE|URL",
    help="Where the search is kept: it resumes there, and processes and machines may share it. A"
    " file is a database, or, if it ends in .journal, Optuna's journal, for many processes.",
)
@click.option(
    "--objective",
    default="params,macs",
    show_default=True,
    metavar="FIGURES|MODULE:FUNCTION",
    help=f"What is sought: some of {', '.join(COUNTS)}, memory and field, or what a function of a "
    "Spec returns.",
)
@click.option(
    "--direction",
    "directions",
    multiple=True,
    type=click.Choice(DIRECTIONS),
    help="Once for each number of the objective. Default: minimize.",
)
@click.option("--seed", type=int, metavar="N", help="The seed of the choices.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write the winners there, as ordinary specs, in place of those of an earlier search.",
)
def command(
    spec: hg.Spec,
    varied: tuple[str, ...],
    where: str | None,
    objective: str,
    output: Path | None,
    as_json: bool,
    **how: Any,
) -> None:
    """Search a space of variants under limits.

    Keeps the variants that no other beats, and tries none twice. A search that was stopped, by
    whatever, resumes from its storage with nothing lost.
    """
    require("search", "searching")
    from hrnet_graph.search.study import read_objective, search
    from hrnet_graph.search.winners import check_folder, write_winners

    vary, keeps = read_space(varied, where)
    if output is not None:
        check_folder(output, spec.file_name)
    with working(f"searching variants of {spec.name}"):
        found = search(spec, vary, objective=read_objective(objective), where=keeps, **how)
    specs = [winner.spec for winner in found.winners]
    files, old = write_winners(specs, output, spec.file_name) if output is not None else ([], [])
    data = {**found.as_dict(), "files": [*map(str, files)]}
    table = Table(_columns(tuple(vary), found), found.rows(), notes=_notes(found))
    present(table, as_json, data=lambda: data)
    if not as_json:
        for file in files:
            note(f"wrote {file}")
        for file in old:
            note(f"removed {file}, a winner of an earlier search")


def _columns(keys: Sequence[str], found: Outcome) -> tuple[Column, ...]:
    """What was varied, what was sought, and the counts beside it."""
    sought = (FIGURES.get(name) or number(name, form=",.6g") for name in found.objective)
    beside = (FIGURES[name] for name in ("params", "macs") if name not in found.objective)
    return (*(text(key, none="None", rank=0) for key in keys), *sought, *beside)


def _notes(found: Outcome) -> list[str]:
    """How much of the space was tried."""
    refused = f"{found.refused - found.broken:,} of them refused by the limits"
    notes = [f"{found.finished:,} of {found.space:,} variants tried, {refused}"]
    if found.exhausted:
        notes = [f"all {found.space:,} variants tried, {refused}: no better one is left"]
    if found.broken:
        notes += [f"{found.broken:,} make no network, the first of them {found.reason}"]
    return [*notes, *([] if found.winners else ["nothing was found"])]
