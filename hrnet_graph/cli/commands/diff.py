"""`hrnet-graph diff`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

import hrnet_graph as hg
from hrnet_graph.cli.arguments import Load, as_command, complete_spec, takes_changes, written_option
from hrnet_graph.cli.files import drawn, is_output
from hrnet_graph.cli.table import Table, change, number, text
from hrnet_graph.cli.terminal import print_json, print_table, say, warnings_as_notes, wrote

if TYPE_CHECKING:
    from hrnet_graph.analysis.difference import Difference

SHOWN = 8
"""How many entries of a long list are printed."""


COSTS = (
    text("stage"),
    number("params"),
    change("more_params"),
    number("macs", "MACs"),
    change("more_macs"),
)


@as_command(
    "diff hrnet_w32_cls hrnet_w48_cls",
    "diff hrnet_w32_cls mine.yaml --render diff.svg",
)
@click.argument("a", shell_complete=complete_spec)
@click.argument("b", shell_complete=complete_spec)
@takes_changes
@written_option(
    "--render",
    "picture",
    kinds=drawn,
    help="Draw both in one figure as well: svg, png, pdf or dot, by suffix.",
)
def command(a: str, b: str, load: Load, picture: Path | None, as_json: bool) -> None:
    """Compare two networks: spec, nodes, cost, weights.

    --set and --input change both. Exit code 1 if they differ.
    """
    from hrnet_graph.analysis.difference import difference, differing_values

    ours, theirs = load(a), load(b)
    keys = [
        row
        for row in differing_values(ours.dump(), theirs.dump())
        if not str(row["key"]).startswith(("name", "published"))  # these describe
    ]
    graphs = hg.build_graph(ours), hg.build_graph(theirs)
    found = difference(*graphs)
    if picture is not None:
        from hrnet_graph.viz.render import render_difference

        with warnings_as_notes():
            render_difference(*graphs, picture)
        wrote(picture, as_json=False)
    same = found.same and not keys
    if picture is not None and is_output(picture):
        pass
    elif as_json:
        print_json({"same": same, "spec": keys, **asdict(found)})
    elif same:
        click.echo(f"{a} and {b} are the same network")
    else:
        if keys:
            print_table(Table((text("key", "spec"), text("a", a), text("b", b)), keys))
        _print(found)
    sys.exit(0 if same else 1)


def _print(found: Difference) -> None:
    *stages, total = found.rows()
    print_table(Table(COSTS, stages, total=total))
    for what, entries in (
        ("nodes added", found.added),
        ("nodes removed", found.removed),
        ("nodes changed", [f"{key}: {x} | {y}" for key, x, y in found.changed]),
        ("weights reshaped", [f"{key}: {x} | {y}" for key, x, y in found.reshaped]),
        ("weights lost", found.lost),
        ("weights new", found.new),
    ):
        if entries:
            say(f"{len(entries)} {what}")
        for entry in entries[:SHOWN]:
            say(f"  {entry}")
        if len(entries) > SHOWN:
            say("  ...")
    say(f"{found.kept} weights fit both")
