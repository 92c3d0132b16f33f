"""`hrnet-graph search`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hrnet_graph.cli.arguments import json_option, read_space, takes_space, takes_spec
from hrnet_graph.cli.terminal import note, print_json, print_table, working

if TYPE_CHECKING:
    from hrnet_graph.search.study import Direction, Outcome
    from hrnet_graph.spec.schema import Spec


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
    type=click.Choice(("minimize", "maximize")),
    help="Once for each number that the objective returns. Default: minimize.",
)
@click.option("--seed", type=int, metavar="N", help="The seed of the choices.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write the winners there, as ordinary specs, in place of those of an earlier search.",
)
@json_option  # fmt: skip
def command(
    spec: Spec,
    varied: tuple[str, ...],
    where: str | None,
    trials: int,
    storage: str,
    objective: str | None,
    directions: tuple[Direction, ...],
    seed: int | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Search a space of variants under limits.

    Keeps the variants that no other beats. A search that was stopped, by whatever, resumes from its
    storage with nothing lost.
    """
    from hrnet_graph.search.study import read_objective, search
    from hrnet_graph.search.winners import check_folder, write_winners

    vary, keeps = read_space(varied, where)
    if output is not None:
        check_folder(output, spec.name)
    with working(f"searching variants of {spec.name}"):
        found = search(
            spec,
            vary,
            trials=trials,
            storage=storage,
            directions=directions or _default(objective),
            objective=read_objective(objective) if objective else None,
            where=keeps,
            seed=seed,
        )
    specs = [winner.spec for winner in found.winners]
    files, old = write_winners(specs, output, spec.name) if output is not None else ([], [])
    if as_json:
        winners = [{"values": dict(w.values), "objective": w.objective} for w in found.winners]
        counts = {"finished": found.finished, "refused": found.refused}
        print_json({**counts, "winners": winners, "files": [*map(str, files)]})
    else:
        _print(tuple(vary), found)
        _tell(files, old)


def _default(objective: str | None) -> tuple[Direction, ...]:
    """One number of an objective of one's own, or params and MACs, the smaller the better."""
    return ("minimize",) if objective else ("minimize", "minimize")


def _print(keys: Sequence[str], found: Outcome) -> None:
    rows = [
        [*map(str, winner.values.values()), *(f"{x:,.6g}" for x in winner.objective)]
        for winner in found.winners
    ]
    count = len(found.winners[0].objective) if found.winners else 0
    print_table((*keys, *(f"objective {i}" for i in range(count))), rows)
    click.echo(f"{found.finished} trials, {found.refused} of them refused by the limits")


def _tell(files: Sequence[Path], old: Sequence[Path]) -> None:
    """Says which files were written and removed."""
    for file in files:
        note(f"wrote {file}")
    for file in old:
        note(f"removed {file}, a winner of an earlier search")
