"""`hrnet-graph sweep`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import hrnet_graph as hg
from hrnet_graph.cli.arguments import (
    TABLE_HELP,
    as_command,
    read_space,
    takes_space,
    takes_spec,
    written_option,
)
from hrnet_graph.cli.files import plots, tables
from hrnet_graph.cli.rows import STREAMED, write_rows
from hrnet_graph.cli.table import FIGURES, Table, text
from hrnet_graph.cli.terminal import note, present, track, wrote
from hrnet_graph.errors import did_you_mean, quoted

if TYPE_CHECKING:
    from hrnet_graph.search.expression import Condition
    from hrnet_graph.search.sweep import Variant

SHOWN = ("params", "macs", "memory", "field")
DRAWN = ("params", "macs")
MEANING = (
    "memory: peak of inference in float32; field: pixels of the largest receptive field, pooling "
    "over the whole image apart"
)


def _read_figures(ctx: object, param: object, value: str | None) -> tuple[str, ...] | None:
    """`params,macs` as names of figures."""
    if value is None:
        return None
    names = tuple(part.strip() for part in value.split(","))
    for name in names:
        if name not in FIGURES:
            near = did_you_mean(name, [*FIGURES])
            raise hg.HRNetGraphError(f"--figures: no figure is called {quoted(name)}{near}")
    return tuple(name for name in FIGURES if name in names)


def _written() -> Mapping[str, str]:
    """What variants are written as."""
    return {**tables(), ".jsonl": ""}


@as_command(
    "sweep hrnet_w32_cls --vary width=16..48..16 --vary stages.2.modules=2,4",
    "sweep hrnet_w32_cls --vary width=18,32,48 --where 'macs < 8e9' -o table.csv",
)
@takes_spec
@takes_space
@click.option(
    "--figures",
    "names",
    metavar="NAMES",
    callback=_read_figures,
    help=f"What to count, as params,macs: some of {', '.join(FIGURES)}. Default: all.",
)
@written_option(
    "-o",
    "--output",
    kinds=_written,
    help=f"{TABLE_HELP} .jsonl is one JSON object a line; it and .csv are written row by row.",
)
def command(
    spec: hg.Spec,
    varied: tuple[str, ...],
    where: str | None,
    names: tuple[str, ...] | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Count every combination of some values of a spec.

    On all cores. A combination that makes no network is a row that says so, or, under a condition
    and in a chart, part of their number.
    """
    from hrnet_graph.search.sweep import count_of

    vary, keeps = read_space(varied, where)
    total = count_of(vary)
    drawn = output is not None and output.suffix.lower() in plots()
    counted = _asked(names, drawn)
    broken = Broken() if drawn or keeps else None
    rows = _kept(spec, vary, counted, keeps, total, broken)
    if output is not None and output.suffix.lower() in STREAMED:
        shown = (*vary, *counted, "error")
        count = write_rows(output, shown, (variant.as_dict() for variant in rows))
        wrote(output, as_json, variants=count)
        if broken and broken.count:
            note(broken.told(total))
        return
    found = list(rows)
    if drawn and not found:
        why = broken.told(total) if broken and broken.count else "widen --where, or --vary"
        raise hg.HRNetGraphError(f"no variant to draw: none of {total} is left", why)
    errors = [text("error", rank=0)] if any(variant.error for variant in found) else []
    columns = [FIGURES[name] for name in (names or SHOWN)]
    notes = (f"{len(found)} of {total} variants",)
    table = Table(
        (*(text(key, none="None", rank=0) for key in vary), *columns, *errors),
        [variant.as_dict() for variant in found],
        notes=notes if {"memory", "field"}.isdisjoint(counted) else (MEANING, *notes),
    )
    plot = partial(_plot, f"variants of {spec.name}", found)
    present(table, as_json, output=output, plot=plot, variants=len(found))
    if broken and broken.count:
        note(broken.told(total))


def _asked(names: tuple[str, ...] | None, drawn: bool) -> tuple[str, ...]:
    """The figures to count. Raises `HRNetGraphError` for a chart of others than it shows."""
    if drawn and names:
        what = f"--figures changes nothing in a chart, which shows {' and '.join(DRAWN)}"
        raise hg.HRNetGraphError(what, "leave it out, or write a table: -o variants.csv")
    return names or (DRAWN if drawn else tuple(FIGURES))


@dataclass
class Broken:
    """The variants that make no network, where they are no rows: how many, and the first."""

    count: int = 0
    first: Variant | None = None

    def add(self, variant: Variant) -> None:
        """One more, of which nothing is kept unless it is the first."""
        self.count, self.first = self.count + 1, self.first or variant

    def told(self, total: int) -> str:
        """How many of all there are, and why the first makes none."""
        from hrnet_graph.search.sweep import said

        assert self.first is not None
        count = f"{self.count} of {total} variants make no network"
        return f"{count}, the first of them {said(self.first.values)}: {self.first.error}"


def _kept(
    spec: hg.Spec,
    vary: Mapping[str, Sequence[Any]],
    names: Sequence[str],
    where: Condition | None,
    total: int,
    broken: Broken | None,
) -> Iterator[Variant]:
    """The variants for which the condition holds; what makes no network is put aside if asked."""
    from hrnet_graph.search.sweep import counted

    found = counted(spec, vary, names, where)
    for variant in track(found, f"counting {total} variants", total):
        if variant is not None and variant.error and broken is not None:
            broken.add(variant)
        elif variant is not None:
            yield variant


def _plot(title: str, variants: Sequence[Variant], output: Path) -> None:
    from hrnet_graph.search.sweep import pareto, said
    from hrnet_graph.viz.charts import plot_scatter

    def points(variants: Sequence[Variant]) -> list[tuple[int, int, str]]:
        return [
            (
                v.counts["macs"],
                v.counts["params"],
                said(v.values),
            )
            for v in variants
            if v.counts
        ]

    plot_scatter(points(variants), points(pareto(variants, "macs", "params")), output, title)
