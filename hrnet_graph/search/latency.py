"""How long networks take on this machine: predicted from sections that were measured alone."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from hrnet_graph.analysis.cost import analyze
from hrnet_graph.engines.compile import compile as on_engine
from hrnet_graph.engines.engine import Engine
from hrnet_graph.ir.graph import Graph
from hrnet_graph.precision import Precision
from hrnet_graph.search.sections import Section, sections_of
from hrnet_graph.search.timings import Conditions, keep, recall

RUNS, WARM_UP = 30, 2
"""How often a network is run at most, of which the least counts, and before that."""

WHOLE, PART, AROUND = 2.0, 0.2, 0.05
"""For how many seconds a whole network is run, and a section and what is around one in a turn."""

TURNS = 2
"""How often all sections are gone through: what disturbs one for a while seldom comes again."""

FEWEST = 3
"""How often it is run at least."""

FASTER = 4
"""No network computes so many times as many MACs a second as the fastest that was met."""


@dataclass
class Latency:
    """Predicts how long an engine takes for one image: the sum of sections, each measured once.

    The sum is scaled so that it is right for the network `own`. `most` is how long one may take, in
    seconds; `tell` hears what is measured; `clock` tells the time.
    """

    own: Graph
    engine: Engine
    precision: Precision
    threads: int | None
    most: float
    tell: Callable[[str], object] = str
    clock: Callable[[], float] = time.perf_counter
    _rate: float = field(default=0.0, init=False)

    def fits(self, graph: Graph) -> bool:
        """Whether a network takes no longer than `most`; one that surely does is not measured."""
        if not self._scale or analyze(graph).macs > FASTER * self._rate * self.most:
            return False
        return self.predict(graph) <= self.most

    def predict(self, graph: Graph) -> float:
        """How long a network takes, in seconds."""
        found = self._scale * self._sum(graph)
        self._rate = max(self._rate, analyze(graph).macs / found)
        return found

    def measure(self, graph: Graph) -> float:
        """How long it takes when it is run, in seconds: the least."""
        self.tell("measuring the whole network")
        return self._least(graph, WHOLE)

    @cached_property
    def _scale(self) -> float:
        """How much longer the network itself takes than its sections do in sum."""
        whole = Section(self.own, self.own.operations, [self.own.input], ())
        if whole.digest not in self._known:
            self._add({whole.digest: self.measure(self.own)})
        scale = self._known[whole.digest] / self._sum(self.own)
        self._rate = analyze(self.own).macs / self._known[whole.digest]
        return scale

    @cached_property
    def conditions(self) -> Conditions:
        """What is measured, and where."""
        return Conditions.here(self.engine, self.precision, self.threads)

    @cached_property
    def _known(self) -> dict[str, float]:
        return recall(self.conditions)

    def _sum(self, graph: Graph) -> float:
        sections = {section.digest: section for section in sections_of(graph)}
        new = [section for digest, section in sections.items() if digest not in self._known]
        if new:
            self._add(self._measured(new))
        return sum(self._known[section.digest] for section in sections_of(graph))

    def _measured(self, sections: Sequence[Section]) -> dict[str, float]:
        """How long each takes: the least of all turns, less the least of what is around it."""
        alone, before = [math.inf] * len(sections), [math.inf] * len(sections)
        for turn in range(TURNS):
            for i, section in enumerate(sections):
                self.tell(f"measuring {i + 1} of {len(sections)} sections, turn {turn + 1}")
                around = section.around
                least = self._least(around, AROUND) if around else 0.0
                before[i] = min(before[i], least)
                alone[i] = min(alone[i], self._least(section.network, PART))
        took = (max(a - b, 0.0) for a, b in zip(alone, before, strict=True))
        return {section.digest: each for section, each in zip(sections, took, strict=True)}

    def _add(self, measured: dict[str, float]) -> None:
        self._known.update(measured)
        keep(self.conditions, measured)

    def _least(self, graph: Graph, seconds: float) -> float:
        """The least of several runs of a network."""
        import numpy as np

        run = on_engine(graph, self.engine.name, self.precision, threads=self.threads)
        random = np.random.default_rng(0)
        image = random.standard_normal((1, *graph.input.type.shape), np.float32)
        for _ in range(WARM_UP):
            run(image)
        took: list[float] = []
        end = time.perf_counter() + seconds
        while len(took) < FEWEST or (len(took) < RUNS and time.perf_counter() < end):
            start = self.clock()
            run(image)
            took.append(self.clock() - start)
        return min(took)
