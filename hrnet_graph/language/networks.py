"""What the network of a text is and costs, in words: of all of it, and of a part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from hrnet_graph.analysis.cost import Cost, Report, analyze
from hrnet_graph.analysis.numbers import cost_lines
from hrnet_graph.compiler.build import build_graph
from hrnet_graph.compiler.check import Check, check
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir.graph import Graph
from hrnet_graph.language.bases import Base
from hrnet_graph.language.outline import Steps
from hrnet_graph.language.stages import StageFacts, stage_facts
from hrnet_graph.spec.about import about
from hrnet_graph.spec.load import load_spec

_PARTS = ("stem", "head")

_MARKDOWN = re.compile(r"[\\`*_\[\]<>#|!&]")
"""What means something in Markdown: what another's file says is shown as it is written."""


def checked(text: str, path: Path | None, base: Base | None) -> Check:
    """What there is to say about a text, until what it extends changes."""
    return _checked(text, path, repr(base.root.plain()) if base else "")


@lru_cache(maxsize=2)
def _checked(text: str, path: Path | None, _inherited: str) -> Check:
    return check(text, path)


def base_words(base: Base) -> Iterator[str]:
    """What the network is that is extended, and what it costs."""
    try:
        yield from _network(base.file, repr(base.root.plain()))
    except HRNetGraphError:  # it says why itself, where it is opened
        return


@lru_cache(maxsize=64)
def _network(file: Path, _contents: str) -> tuple[str, str]:
    spec = load_spec(file)
    what = _MARKDOWN.sub(r"\\\g<0>", about(spec))
    return what, f"{cost_words(analyze(build_graph(spec)).total)}."


def part_words(found: Check, steps: Steps) -> Iterator[str]:
    """What the part of the network at some keys of the spec is and costs, in a line each."""
    if found.graph is None:
        return
    report = found.report or analyze(found.graph)
    if steps[0] == "stages":
        for facts in stage_facts(found.graph, report):
            if len(steps) == 1 or str(steps[1]) == str(facts.number - 1):
                yield _stage(facts, report, is_whole=not found.stopped)
    elif steps[0] in _PARTS:
        yield from _part(found.graph, report, str(steps[0]))
    elif steps[0] in ("input", "width") and not found.stopped:
        yield f"The network: {cost_words(report.total)}."


def _stage(facts: StageFacts, report: Report, is_whole: bool) -> str:
    branches = ", ".join(map(str, facts.branches))
    share = 100 * facts.cost.macs / report.macs if report.macs and is_whole else 0
    of_all = f", {share:.0f} % of all MACs" if share else ""
    return f"Stage {facts.number}: {branches}; {cost_words(facts.cost)}{of_all}."


def _part(graph: Graph, report: Report, kind: str) -> Iterator[str]:
    for scope in graph.scopes:
        if scope.kind == kind:
            members = [node for node in graph.order if node.path.startswith(f"{scope.path}.")]
            cost = sum((report.nodes[node.path] for node in members), Cost())
            ends = graph.output_paths if kind == "head" else [node.path for node in members[-1:]]
            maps = ", ".join(str(graph[path].type) for path in ends)
            yield f"{kind.capitalize()}: {maps}; {cost_words(cost)}."


def cost_words(cost: Cost) -> str:
    """`67.1 M params, 17.3 GMACs`."""
    return ", ".join(cost_lines(cost)) or "no cost"
