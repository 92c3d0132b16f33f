"""The engine that runs a network best here: what can be had is tried, and held against torch."""

from __future__ import annotations

import json
import math
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_graph.benchmark.busy import busy
from hrnet_graph.benchmark.measure import RANDOM, read_outputs
from hrnet_graph.benchmark.process import Worker
from hrnet_graph.benchmark.turns import hold
from hrnet_graph.choices import Waiting
from hrnet_graph.compiler.build import prove
from hrnet_graph.engines.choice import BOUNDS, Choice, Question, Setting
from hrnet_graph.engines.engine import WAIT_VARIABLE, find_engine, process_waiting
from hrnet_graph.engines.images import difference
from hrnet_graph.engines.question import cpus
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.spec.schema import Spec

_RUNNING = Path("/proc/loadavg")

LOOKS, PAUSE = 25, 0.02
"""How often it is looked who wants a processor, and the seconds between."""

SLOWER = 10
"""A run that takes so many times as long as all up to the first result did not end: it hangs."""

Outputs = list[np.ndarray[Any, Any]]


def recommend(spec: Spec, question: Question, untried: Mapping[str, str], seconds: float) -> Choice:
    """Tries engines, numbers of threads and how those wait, with random weights, by turns.

    Each has a process of its own, and is checked against torch in float32 first. Raises
    `HRNetGraphError` if nothing runs, with why.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        start, load = _Starter(spec, question, Path(folder), stack, seconds), machine_load()
        crowd = max(question.beside, round(load))
        trials = hold(
            [first_of(name, question, crowd) for name in question.targets],
            partial(variants_of, question=question),
            start,
            partial(busy, question.beside),
            time.monotonic,
            seconds,
        )
    if not any(trial.is_valid for trial in trials):
        why = "; ".join(f"{trial.setting.target}: {trial.error}" for trial in trials)
        hint = "give it more --seconds" if any(trial.late for trial in trials) else ""
        raise HRNetGraphError(f"no engine runs {spec.name}: {why}", hint)
    return Choice(question=question, trials=trials, untried=dict(untried), load=load)


def machine_load() -> float:
    """How many processes want a processor, this one apart: now, or where the system does not tell
    that, in the last minute.
    """
    if not _RUNNING.exists():
        return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    found = []
    for _ in range(LOOKS):
        time.sleep(PAUSE)
        found.append(int(_RUNNING.read_text().split()[3].partition("/")[0]) - 1)
    return statistics.mean(found)


def first_of(target: str, question: Question, crowd: int) -> Setting:
    """What is tried of an engine first: what is likely to be its best beside so many processes.

    Threads that wait as the process does take processors while they wait, and get those alone that
    are left; others share all with as many processes as there are processors.
    """
    waits = find_engine(target).waits
    spins = waits == "process"
    free = cpus() - crowd if spins or crowd > cpus() else cpus()
    threads = max((n for n in question.threads if n <= free), default=min(question.threads))
    passive = spins and threads > 1 and crowd > 0
    waiting: Waiting | None = "passive" if passive else _usual(waits)
    return Setting(target=target, threads=threads, waiting=waiting, by_environment=spins)


def variants_of(setting: Setting, question: Question) -> Iterator[Setting]:
    """The same with other numbers of threads, and with threads that wait the other way."""
    waits = find_engine(setting.target).waits
    if waits and setting.threads > 1:
        other: Waiting | None = "passive" if setting.waiting != "passive" else _usual(waits)
        yield setting.model_copy(update={"waiting": other})
    for threads in question.threads:
        if threads != setting.threads:
            alone = {"waiting": _usual(waits)} if threads == 1 else {}
            yield setting.model_copy(update={"threads": threads, **alone})


def _usual(waits: str) -> Waiting | None:
    """How threads wait where nobody says otherwise: actively, by name where the process does."""
    return "active" if waits == "process" and process_waiting() == "active" else None


class _Starter:
    """Starts settings in processes of their own, and holds what they answer against torch."""

    def __init__(
        self, spec: Spec, question: Question, folder: Path, stack: ExitStack, seconds: float
    ) -> None:
        self._question, self._folder, self._stack = question, folder, stack
        self._seconds = seconds
        self._job = {
            "spec": prove(spec).dump(),
            "peer": "",
            "batch": question.shape[0],
            "seed": RANDOM.seed,
            "weights": spec.weights_file,
            "calibration": None,
        }
        self._count = 0
        self._reference: Outputs | None = None

    def __call__(self, setting: Setting, seconds: float | None) -> _Process:
        precision = self._question.precision
        if self._reference is None and (setting.target, precision) != ("torch", "float32"):
            self._reference = self._refer()
        worker = self._start(setting, precision, seconds)
        if self._reference is None and not worker.error:
            self._reference = read_outputs(worker)
        return _Process(worker, self._reference or [], BOUNDS[precision], self._seconds)

    def _refer(self) -> Outputs:
        """What torch answers in float32. Raises `HRNetGraphError` if it fails."""
        worker = self._start(Setting(target="torch", threads=1), "float32", None)
        worker.close()
        if worker.error:
            raise HRNetGraphError(f"torch, which others are held against, fails: {worker.error}")
        return read_outputs(worker)

    def _start(self, setting: Setting, precision: str, seconds: float | None) -> Worker:
        """A process that ran once, and saved what came of that."""
        self._count += 1
        worker = Worker(self._folder / str(self._count), _environment(setting))
        self._stack.callback(worker.close)
        how = {"target": setting.target, "threads": setting.threads, "waiting": setting.applied}
        job = {**self._job, **how, "precision": precision, "outputs": worker.outputs}
        for order in (json.dumps(job, default=str), "end", ""):
            worker.ask(order, seconds)
        return worker


class _Process:
    """A process that runs a setting; one whose results are not torch's has an error.

    A run may take so many seconds in any case.
    """

    def __init__(self, worker: Worker, reference: Outputs, bound: float, seconds: float) -> None:
        self._worker = worker
        self._longest = max(seconds, SLOWER * worker.answers[0].get("cold", 0))
        self.difference: float | None = None
        self.error = worker.error
        if self.error:
            return
        found = difference(read_outputs(worker), reference)
        if not math.isfinite(found):
            self.error = "it answers what is no number"
            return
        self.difference = found
        if found > bound:
            self.error = f"differs from torch by {found:.1e}, and {bound:.0e} is the most"

    def run(self) -> float:
        self._worker.ask("run", self._longest)
        self.error = self._worker.error
        return float(self._worker.answers[-1].get("seconds", math.inf))

    def close(self) -> None:
        self._worker.close()


def _environment(setting: Setting) -> dict[str, str]:
    """What a process is started with, so that OpenMP's threads wait as a setting says."""
    kept = dict(os.environ)
    if not setting.by_environment or setting.waiting is None:
        if process_waiting() == "passive":
            del kept[WAIT_VARIABLE]
        return kept
    return {**kept, WAIT_VARIABLE: setting.waiting}
