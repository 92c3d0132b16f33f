"""`hrnet-graph sweep`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import hrnet_graph as hg
from hrnet_graph.cli.arguments import (
    TABLE_HELP,
    as_command,
    read_space,
    takes_space,
    takes_spec,
    written_option,
)
from hrnet_graph.cli.files import tables
from hrnet_graph.cli.table import FIGURES, Table, text
from hrnet_graph.cli.terminal import present, track

if TYPE_CHECKING:
    from hrnet_graph.search.sweep import Variant

COUNTS = tuple(FIGURES[name] for name in ("params", "macs", "memory", "field"))
MEANING = "memory: peak of inference in float32; field: the largest receptive field, in pixels"


@as_command(
    "sweep hrnet_w32_cls --vary width=16..48..16 --vary stages.2.modules=2,4",
    "sweep hrnet_w32_cls --vary width=18,32,48 --where 'macs < 8e9' -o table.csv",
)
@takes_spec
@takes_space
@written_option("-o", "--output", kinds=tables, help=TABLE_HELP)
def command(
    spec: hg.Spec, varied: tuple[str, ...], where: str | None, output: Path | None, as_json: bool
) -> None:
    """Count every combination of some values of a spec.

    On all cores. A combination that makes no network is a row that says so.
    """
    from hrnet_graph.search.sweep import combinations, sweep

    vary, keeps = read_space(varied, where)
    total = len(combinations(vary))
    found = list(track(sweep(spec, vary), f"counting {total} variants", total))
    if keeps is not None:
        found = [v for v in found if v.counts and keeps({**v.values, **v.counts})]
    errors = [text("error", rank=0)] if any(variant.error for variant in found) else []
    table = Table(
        (*(text(key, none="None", rank=0) for key in vary), *COUNTS, *errors),
        [variant.as_dict() for variant in found],
        notes=(MEANING, f"{len(found)} of {total} variants"),
    )
    plot = partial(_plot, f"variants of {spec.name}", found)
    present(table, as_json, output=output, plot=plot, variants=len(found))


def _plot(title: str, variants: Sequence[Variant], output: Path) -> None:
    from hrnet_graph.search.sweep import pareto
    from hrnet_graph.viz.charts import plot_scatter

    def points(variants: Sequence[Variant]) -> list[tuple[int, int, str]]:
        return [
            (
                v.counts["macs"],
                v.counts["params"],
                ", ".join(f"{k}={x}" for k, x in v.values.items()),
            )
            for v in variants
            if v.counts
        ]

    plot_scatter(points(variants), points(pareto(variants, "macs", "params")), output, title)
