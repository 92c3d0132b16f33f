"""What a network costs, beside the lines that state it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hrnet_graph.analysis.cost import Report
from hrnet_graph.compiler.check import Check
from hrnet_graph.ir.graph import Graph
from hrnet_graph.language.networks import cost_words
from hrnet_graph.language.stages import stage_facts


@dataclass(frozen=True, slots=True)
class Lens:
    """Words about what a line states; `line` counts from 1."""

    line: int
    text: str


def lenses(check: Check) -> tuple[Lens, ...]:
    r"""The whole network's cost at its first line, and each stage's where the text states one.

    A stage's maps are those that it hands on, finest first. Nothing is said of what does not build.

    Example:
        >>> text = "extends: hrnet_w32_cls\nstages: {2: {modules: 2}}"
        >>> for lens in lenses(hg.check(text)):
        ...     print(lens.line, lens.text)
        1 unnamed at 3x224x224: 37.8 M params, 7.44 GMACs
        2 stage 3: 32x56x56, 64x28x28, 128x14x14 | 3.41 M params, 1.48 GMACs
    """
    if check.spec is None or check.graph is None or check.report is None:
        return ()
    return tuple(_lenses(check, check.graph, check.report))


def _lenses(check: Check, graph: Graph, report: Report) -> Iterator[Lens]:
    assert check.spec is not None
    root = check.spec.layers[-1].root
    shape = graph.input.type
    yield Lens(root.mark.line or 1, f"{graph.name} at {shape}: {cost_words(report.total)}")
    places = dict(root.find(("stages",)).children())
    for facts in stage_facts(graph, report):
        mark = places[facts.number - 1].mark
        if mark.file == root.mark.file and mark.line is not None:
            maps = ", ".join(map(str, facts.maps))
            yield Lens(mark.line, f"stage {facts.number}: {maps} | {cost_words(facts.cost)}")
