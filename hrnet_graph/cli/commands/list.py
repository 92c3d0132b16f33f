"""`hrnet-graph list`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

import hrnet_graph as hg
from hrnet_graph.cli.arguments import as_command
from hrnet_graph.cli.families import fold_names
from hrnet_graph.cli.table import Column, Row, Table, number, shape, text
from hrnet_graph.cli.terminal import is_watched, present, track
from hrnet_graph.errors import HRNetGraphError, nearest, quoted

CONVENTIONS = "GMACs are 1e9 multiply-accumulates; the HRNet papers' GFLOPs are MACs / 2^30."
MORE = "`hrnet-graph list TASK`, or the beginning of a name, shows each network."


@as_command(
    "list",
    "list pose",
    "list litehrnet --json",
    "list --variants",
)
@click.argument("words", metavar="[TASK|NAME]...", nargs=-1)
@click.option("--variants", is_flag=True, help="Those that nobody published, to begin from.")
def command(words: Sequence[str], variants: bool, as_json: bool) -> None:
    """List the catalogue by task, with cost and published accuracy.

    A terminal shows a family of networks a row. The networks of a TASK, or those whose names begin
    with NAME, have a row each, and so has every network in a pipe.
    """
    names = hg.list_variants() if variants else hg.list_specs()
    rows = [_row(*network) for network in track(_chosen(names, words), "compiling the catalogue")]
    if words or as_json or not is_watched():
        present(Table(NETWORKS, rows, notes=[CONVENTIONS]), as_json)
    else:
        present(Table(FAMILIES, [*_families(rows)], notes=[CONVENTIONS, MORE]), as_json)


def _chosen(names: Sequence[str], words: Sequence[str]) -> Sequence[tuple[hg.Spec, str]]:
    """Of these networks those that the words say, all where there are none, each with its task."""
    from hrnet_graph.spec.catalogue import TASKS

    specs = [hg.load_spec(name) for name in names]
    networks = [(spec, TASKS.get(spec.head.kind, spec.head.kind)) for spec in specs]
    tasks = tuple(dict.fromkeys(task for _, task in networks))
    for word in words:
        if not any(_is_meant(spec, task, word) for spec, task in networks):
            problem = f"no task and no network of the catalogue is called {quoted(word)}"
            near = nearest(word, (*tasks, *names))
            raise HRNetGraphError(problem + near, f"the tasks are {', '.join(tasks)}")
    return [
        (spec, task)
        for spec, task in networks
        if not words or any(_is_meant(spec, task, word) for word in words)
    ]


def _is_meant(spec: hg.Spec, task: str, word: str) -> bool:
    return word != "" and any(name.startswith(word) for name in (task, *task.split(), spec.name))


def _row(spec: hg.Spec, task: str) -> Row:
    report = hg.analyze(hg.build_graph(spec))
    figures = spec.published.figures if spec.published else ()
    return {
        "name": spec.name,
        "task": task,
        "input": spec.input,
        "params": report.params,
        "macs": report.macs,
        "accuracy": [figure.model_dump() for figure in figures if not figure.is_cost],
        "source": spec.published.source if spec.published else None,
    }


def _families(rows: Sequence[Row]) -> Iterator[Row]:
    """The rows of each task, folded; the task stands at its first row."""
    for task in dict.fromkeys(row["task"] for row in sorted(rows, key=_place_of_task)):
        of_task = {row["name"]: row for row in rows if row["task"] == task}
        for i, family in enumerate(fold_names([*of_task])):
            members = [of_task[name] for name in family.members]
            yield {"task": "" if i else task, "name": family.name, "members": members}


def _place_of_task(row: Row) -> int:
    """The place of a network's task among all; those of other packages stand last."""
    from hrnet_graph.spec.catalogue import TASKS

    tasks = [*TASKS.values(), row["task"]]
    return tasks.index(row["task"])


def _span(key: str, heading: str, per: float, unit: str = "") -> Column:
    """A column of the least and the most of a family, in so many at once."""

    def cell(row: Row) -> str:
        counts = [f"{member[key] / per:.2f}" for member in row["members"]]
        return _from_to(sorted({*counts}, key=float)) + unit

    return Column(heading, cell, right=True)


def _from_to(rising: Sequence[str]) -> str:
    return rising[0] if len(rising) == 1 else f"{rising[0]}–{rising[-1]}"


def _accuracy(row: Row) -> str:
    """The first of the published figures that are no cost; of a family those of the first kind."""
    firsts = [member["accuracy"][0] for member in row.get("members", [row]) if member["accuracy"]]
    if not firsts:
        return ""
    alike = [f["value"] for f in firsts if f["metric"] == firsts[0]["metric"]]
    span = _from_to([f"{value:g}" for value in sorted({*alike})])
    return f"{firsts[0]['metric']} {span} {firsts[0]['unit']}".strip()


NETWORKS = (
    text("name"),
    text("task", rank=2),
    shape("input", rank=3),
    number("params", form=".2f", per=1e6, unit=" M"),
    number("macs", "GMACs", form=".2f", per=1e9),
    Column("published accuracy", _accuracy, rank=2),
)

FAMILIES = (
    text("task"),
    text("name", lines=2),
    _span("params", "params", 1e6, " M"),
    _span("macs", "GMACs", 1e9),
    Column("published accuracy", _accuracy, rank=2, lines=1),
)
