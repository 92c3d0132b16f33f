"""The target `auto`: the engine that is best here, as kept, or measured when it is first asked."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

from hrnet_graph.compiler.build import build_graph
from hrnet_graph.engines.choice import Choice, Question, Setting
from hrnet_graph.engines.engine import AUTO, process_waiting
from hrnet_graph.engines.kept import keep, place_of, recall
from hrnet_graph.engines.question import Workload, ask, cpus, digest_of
from hrnet_graph.errors import FileError, HRNetGraphError
from hrnet_graph.ir.graph import Graph
from hrnet_graph.late import measured
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.schema import Spec

SECONDS = 120.0
"""How long a measurement may take, unless another time is stated."""

BENCH = "hrnet-graph bench --recommend"
"""The command that measures for longer."""

Measure = Callable[[Spec, Question, dict[str, str], float], Choice]
"""Tries the settings for a question with the network of a spec, in about so many seconds."""

logger = logging.getLogger(__name__)


class Answer(NamedTuple):
    """A choice, what is to be said of where it comes from, and whether it was kept from before."""

    choice: Choice
    told: tuple[str, ...]
    is_kept: bool


def answer(
    spec: Spec,
    question: Question,
    untried: dict[str, str],
    *,
    seconds: float = SECONDS,
    again: bool = False,
    measure: Measure | None = None,
) -> Answer:
    """The choice that is kept for a question, or a new one, which is kept then.

    A file that cannot be read or written is said, and nothing else comes of it. Raises
    `HRNetGraphError` if no engine runs the network.
    """
    choice, problem = (None, "") if again else recall(question)
    if choice is not None:
        return Answer(choice, (f"kept in {place_of(question)}", *_crowd(choice)), True)
    told = (f"measured anew: {problem}",) if problem else ()
    start = time.monotonic()
    made = (measure or measured)(spec, question, untried, seconds)
    assert isinstance(made, Choice)
    took = f"measured in {time.monotonic() - start:.0f} s, {_place_of_new(made)}"
    return Answer(made, (*told, took, *_crowd(made)), False)


def _crowd(choice: Choice) -> tuple[str, ...]:
    """What is to be said of a machine that did other work when it was measured."""
    if choice.load <= cpus() / 2:
        return ()
    return (f"measured while {choice.load:.0f} processes wanted its {cpus()} processors",)


def _place_of_new(made: Choice) -> str:
    """Where a choice is kept, or why it is not."""
    if made.skipped:
        return f"not kept: there was no time for {', '.join(made.skipped)} (--seconds, {BENCH})"
    try:
        return f"kept in {keep(made)}"
    except FileError as error:
        return f"not kept: {error.message}"


def choose(
    graph: Graph,
    size: tuple[int, int],
    device: str,
    workload: Workload,
    *,
    measure: Measure | None = None,
) -> tuple[Setting, Choice]:
    """The setting that is best in this process for a network, and all that was tried.

    What was kept is logged, what had to be measured warned of. Raises `HRNetGraphError` for a
    network that is not made of a spec, or not on the CPU.
    """
    if device != "cpu":
        what = f"the target {AUTO} chooses between engines of the CPU, got a network on {device}"
        raise HRNetGraphError(what, "take target='torch'")
    spec = _spec_of(graph, size)
    question, untried = ask(build_graph(spec), workload)
    found = answer(spec, question, untried, measure=measure)
    waiting = process_waiting()
    best, why = found.choice.best(waiting), found.choice.why(waiting)
    said = f"{graph.name} runs on {why} ({'; '.join(found.told)})"
    if found.is_kept:
        logger.info("%s", said)
    else:
        warnings.warn(said, stacklevel=3)
    return best.setting, found.choice


def _spec_of(graph: Graph, size: tuple[int, int]) -> Spec:
    """The spec that other processes make the very same network of, for images of a size."""
    if isinstance(graph.spec, Spec):
        height, width = graph.input.type.size
        if digest_of(build_graph(graph.spec, (height, width))) == digest_of(graph):
            return load_spec(graph.spec, {"input.1": size[0], "input.2": size[1]})
    raise HRNetGraphError(
        f"the target {AUTO} measures what a spec makes, and {graph.name} was made otherwise",
        "name an engine",
    )
