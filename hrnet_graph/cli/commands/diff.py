"""`hrnet-graph diff`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hrnet_graph.cli.arguments import complete_spec, json_option, read_spec, takes_changes
from hrnet_graph.cli.terminal import note, print_json, print_table

if TYPE_CHECKING:
    from hrnet_graph.analysis.difference import Difference
    from hrnet_graph.spec.schema import Spec

SHOWN = 8
"""How many entries of a long list are printed."""


@click.command()
@click.argument("a", shell_complete=complete_spec)
@click.argument("b", shell_complete=complete_spec)
@takes_changes
@click.option(
    "--render",
    "picture",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw both in one figure as well: svg, png, pdf or dot, by suffix.",
)
@json_option
def command(
    a: str,
    b: str,
    changes: tuple[str, ...],
    size: tuple[int, int] | None,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Compare two networks: spec, nodes, cost, weights.

    --set and --input change both. Exit code 1 if they differ.
    """
    from hrnet_graph.analysis.difference import difference
    from hrnet_graph.compiler.build import build_graph

    ours, theirs = read_spec(a, changes, size), read_spec(b, changes, size)
    keys = _spec_difference(ours, theirs)
    graphs = build_graph(ours), build_graph(theirs)
    found = difference(*graphs)
    if picture is not None:
        from hrnet_graph.viz.render import render_difference

        note(f"wrote {render_difference(*graphs, picture)}")
    if as_json:
        print_json({"same": found.same and not keys, "spec": keys, **asdict(found)})
    else:
        _print(a, b, keys, found)
    sys.exit(0 if found.same and not keys else 1)


def _spec_difference(ours: Spec, theirs: Spec) -> list[dict[str, Any]]:
    """The spec's values that differ; names and published figures describe and do not count."""
    from hrnet_graph.analysis.difference import flat

    pair = [flat(spec.dump()) for spec in (ours, theirs)]
    return [
        {"key": key, "a": pair[0].get(key), "b": pair[1].get(key)}
        for key in dict.fromkeys((*pair[0], *pair[1]))
        if pair[0].get(key) != pair[1].get(key) and not key.startswith(("name", "published"))
    ]


def _print(a: str, b: str, keys: list[dict[str, Any]], found: Difference) -> None:
    if found.same and not keys:
        click.echo(f"{a} and {b} are the same network")
        return
    if keys:
        rows = [(row["key"], _value(row["a"]), _value(row["b"])) for row in keys]
        print_table(("spec", a, b), rows)
    columns = ("stage", "params", "", "MACs", "")
    costs = [
        (s, f"{x.params:,}", _change(x.params, y.params), f"{x.macs:,}", _change(x.macs, y.macs))
        for s, x, y in found.stages
    ]
    print_table(columns, costs, right=columns[1:])
    for what, entries in (
        ("nodes added", found.added),
        ("nodes removed", found.removed),
        ("nodes changed", [f"{key}: {x} | {y}" for key, x, y in found.changed]),
        ("weights reshaped", [f"{key}: {x} | {y}" for key, x, y in found.reshaped]),
        ("weights lost", found.lost),
        ("weights new", found.new),
    ):
        if entries:
            click.echo(f"{len(entries)} {what}")
            for entry in entries[:SHOWN]:
                click.echo(f"  {entry}")
            if len(entries) > SHOWN:
                click.echo("  ...")
    click.echo(f"{found.kept} weights fit both")


def _value(value: object) -> str:
    return "" if value is None else str(value)


def _change(before: int, after: int) -> str:
    return f"{after - before:+,}" if after != before else "="
