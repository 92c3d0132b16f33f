"""A spec's text as all that the page shows of it: problems, figure, numbers, controls."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from hrnet_graph.analysis.cost import Report, analyze
from hrnet_graph.compiler.build import build_graph
from hrnet_graph.compiler.check import Check, check
from hrnet_graph.editor.controls import controls
from hrnet_graph.editor.figure import figure
from hrnet_graph.editor.panels import CHOICES, Subject, panels
from hrnet_graph.editor.request import Request
from hrnet_graph.errors import HRNetGraphError, Problem
from hrnet_graph.spec.catalogue import list_specs
from hrnet_graph.spec.source import IN_MEMORY


def update(request: Request) -> dict[str, object]:
    """The reply to `check`: what there is of a text, whatever is wrong with it.

    `problems` always; `controls` of what is a spec; `figure` and `parts` of what could be built, up
    to the scope `stopped`; `counts` and the tables of a whole network alone.
    """
    text, path = request.text("text"), request.text("path", "")
    found = _checked(text, path)
    reply: dict[str, object] = {
        "problems": [_problem(problem, path, "error") for problem in found.problems],
        "stopped": found.stopped,
        "figure": None,
        "counts": None,
        "controls": controls(found.spec) if found.spec else [],
        "choices": CHOICES,
    }
    if found.graph is not None and found.spec is not None:
        reply |= {"name": found.graph.name, "input": list(found.graph.input.type.shape)}
        reply |= figure(found.graph, found.spec, request, found.stopped)
    if found.report is not None:
        reply["problems"] = [_problem(each, path, "warning") for each in found.warnings]
        subject = Subject(found.report, _start(request, path), _other(request))
        reply["counts"] = _counts(subject)
        reply["panels"] = panels(subject, request)
    return reply


def _problem(problem: Problem, path: str, level: str) -> dict[str, object]:
    """A problem for JSON, with its line where that is one of the text itself."""
    here = problem.mark.file == str(Path(path or IN_MEMORY))
    return {**problem.as_dict(), "level": level, "here": here}


@lru_cache(8)
def _checked(text: str, path: str) -> Check:
    return check(text, path or None)


def _start(request: Request, path: str) -> Report | None:
    """What the text that one began with makes, if that is a network and not the same text."""
    start = request.text("start", "")
    return _checked(start, path).report if start else None


def _other(request: Request) -> Report | None:
    """The network of the catalogue that is compared with."""
    name = request.text("compare", "")
    if name and name not in list_specs():
        raise HRNetGraphError(f"compare: no network {name[:60]!r} in the catalogue")
    return _of_catalogue(name) if name else None


@lru_cache(8)
def _of_catalogue(name: str) -> Report:
    return analyze(build_graph(name))


def _counts(subject: Subject) -> dict[str, object]:
    """The counts of each network that there is."""
    return {
        name: {**report.total.as_dict(), "name": report.graph.name}
        for name, report in (
            ("now", subject.report),
            ("start", subject.start),
            ("other", subject.other),
        )
        if report is not None
    }
