"""What `bench --recommend` asks, and how it shows the answer."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import hrnet_graph as hg
from hrnet_graph.cli.table import Table, number, text
from hrnet_graph.cli.terminal import note, present, working
from hrnet_graph.ir.types import times

if TYPE_CHECKING:
    from hrnet_graph.engines.auto import Answer

COLUMNS = (
    text("engine", ""),
    text("settings"),
    number("least", "least ms", form=".2f", per=1e-3),
    number("median", "median ms", form=".2f", per=1e-3),
    number("difference", form=".1e"),
    text("verdict", rank=0),
)


def recommend(
    spec: hg.Spec,
    output: Path | None,
    as_json: bool,
    *,
    targets: str | None,
    precision: str | None,
    seconds: float | None,
    again: bool,
    **workload: Any,
) -> None:
    """Shows the engine that runs a network best here, from the cache or measured."""
    from hrnet_graph.engines.auto import SECONDS, answer
    from hrnet_graph.engines.question import Workload, ask

    limit = seconds or SECONDS
    names = None if targets is None else [part.strip() for part in targets.split(",")]
    graph = hg.build_graph(spec)
    question, untried = ask(graph, Workload(precision or "float32", **workload), names)
    with working(f"trying {', '.join(question.targets)} with {graph.name}, about {limit:.0f} s"):
        found = answer(spec, question, untried, seconds=limit, again=again)
    table = _table(spec, found)
    present(
        table, as_json, data=partial(_document, spec, found), output=output,
        plot=partial(_plot, found, table.title), candidates=len(found.choice.trials),
    )  # fmt: skip
    if as_json or output:
        for line in found.told:
            note(line)


def _table(spec: hg.Spec, found: Answer) -> Table:
    from hrnet_graph.engines.engine import process_waiting

    question, waiting = found.choice.question, process_waiting()
    beside = f", beside {question.beside} busy processes" if question.beside else ""
    title = f"{spec.name} at {times(question.shape)} in {question.precision}{beside}"
    notes = (found.choice.why(waiting), *found.told)
    return Table(COLUMNS, found.choice.rows(waiting), title, notes=notes)


def _document(spec: hg.Spec, found: Answer) -> dict[str, Any]:
    from hrnet_graph.engines.engine import process_waiting

    waiting = process_waiting()
    choice = found.choice
    return {
        "name": spec.name,
        "question": choice.question.model_dump(mode="json"),
        "recommended": choice.best(waiting).setting.model_dump(mode="json"),
        "why": choice.why(waiting),
        "candidates": choice.rows(waiting),
        "load": choice.load,
        "kept": found.is_kept,
        "notes": list(found.told),
    }


def _plot(found: Answer, title: str, output: Path) -> None:
    from hrnet_graph.viz.charts import plot_bars

    measured = [
        (str(trial.setting), 1000 * min(times), 1000 * median(times), 1000 * max(times))
        for trial in found.choice.trials
        if trial.is_valid and (times := trial.seconds)
    ]
    plot_bars(measured, output, title, "milliseconds: median, least to most of the turns")
