"""Candidates by turns: each in a process of its own, all of them once a round."""

from __future__ import annotations

import json
import math
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_graph.benchmark.busy import busy
from hrnet_graph.benchmark.candidates import Candidate
from hrnet_graph.benchmark.process import Worker
from hrnet_graph.compiler.build import prove
from hrnet_graph.compiler.random_weights import RandomWeights
from hrnet_graph.engines.images import difference
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.spec.schema import Spec

RANDOM = RandomWeights(seed=0)
"""The weights of all candidates where no file gives others."""

WARM_UP = 2
"""Rounds that are run and not counted, after the first output."""


@dataclass(frozen=True)
class Settings:
    """How to measure: images a batch, threads (the engine's own choice if None), counted rounds,
    beside how many busy processes, and how far int8's results may be from float32's.
    """

    batch: int = 1
    threads: int | None = None
    runs: int = 10
    weights: Path | None = None
    calibration: Path | None = None
    beside: int = 0
    max_difference: float | None = None

    def weights_for(self, spec: Spec) -> Path | None:
        """The file of a network's weights: the stated one, or the one that holds its spec."""
        return spec.weights_file if self.weights is None else self.weights


@dataclass(frozen=True)
class Row:
    """What was measured of a candidate, or the error that it ended in.

    `seconds` are the counted runs, `cold` the first output from the spec on, imports included.
    `peak` is the process's memory in bytes until then, `running` in the runs. `difference` is the
    largest from the outputs of the first candidate with the same weights, over their largest value.
    `plan` says which part of it is in int8, where `max_difference` chose that.
    """

    name: str
    seconds: tuple[float, ...] = ()
    cold: float | None = None
    peak: int | None = None
    running: int | None = None
    difference: float | None = None
    plan: str | None = None
    error: str = ""

    @property
    def spread(self) -> dict[str, float]:
        """Median, least, greatest, and the tenth and ninetieth percentile, in seconds."""
        if not self.seconds:
            return {}
        low, high = np.percentile(self.seconds, (10, 90))
        return {
            "median": statistics.median(self.seconds),
            "min": min(self.seconds),
            "p10": float(low),
            "p90": float(high),
            "max": max(self.seconds),
        }

    def speed(self, first: Row) -> float | None:
        """How many times as fast as another row: the median of the ratios round by round."""
        if not self.seconds or not first.seconds:
            return None
        pairs = zip(self.seconds, first.seconds, strict=True)
        return statistics.median(theirs / ours for ours, theirs in pairs)

    def as_dict(self, first: Row) -> dict[str, Any]:
        """The row as plain data for JSON."""
        return {**asdict(self), **self.spread, "speed": self.speed(first)}


def measure(spec: Spec, candidates: Sequence[Candidate], settings: Settings) -> list[Row]:
    """Measures the candidates on the same noise, by turns, and compares what they answer.

    Their weights are those of a file, or of `RANDOM` where there is none.

    One that fails is a row that says so. Raises `HRNetGraphError` if the peer fails.
    """
    workers, proved = [], prove(spec)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for index, candidate in enumerate(candidates):
            worker = Worker(Path(folder, str(index)))
            stack.callback(worker.close)
            how = {**asdict(candidate), **asdict(settings), "outputs": str(worker.outputs)}
            how |= {"seed": RANDOM.seed, "weights": settings.weights_for(spec), "waiting": None}
            worker.ask(json.dumps({"spec": proved.dump(), **how}, default=str))
            if candidate.peer and worker.error:
                raise _peer_error(candidate, worker.error)
            workers.append(worker)
        with busy(settings.beside):
            for _ in range(WARM_UP + settings.runs):
                for worker in workers:
                    worker.ask("run")
        for worker in workers:
            worker.ask("end")
            worker.ask()
        outputs = [read_outputs(worker) for worker in workers]
    first = next((own for own in outputs if own), None)
    differences = [difference(own, first) if own and first else None for own in outputs]
    return [*map(_row, candidates, workers, differences)]


def _peer_error(peer: Candidate, reason: str) -> HRNetGraphError:
    """The error of a peer that cannot be run, with what is expected of one that a user names."""
    expected = "expected module:callable, which is called without arguments for a torch module"
    hint = "" if peer.peer.startswith("timm:") else expected
    return HRNetGraphError(f"{peer.name} cannot be run: {reason}", hint)


def _row(candidate: Candidate, worker: Worker, difference: float | None) -> Row:
    """What became of a candidate. An answer that is no number is an error."""
    facts = {name: value for answer in worker.answers for name, value in answer.items()}
    facts["seconds"] = tuple(a["seconds"] for a in worker.answers if "seconds" in a)[WARM_UP:]
    if difference is not None and not math.isfinite(difference):
        difference, facts["error"] = None, "it answers what is no number"
    if "error" in facts:
        facts["seconds"] = ()
    facts.pop("saved", None)
    return Row(candidate.name, difference=difference, **facts)


def read_outputs(worker: Worker) -> list[np.ndarray[Any, Any]]:
    """What a candidate saved; nothing where that cannot be compared."""
    if not worker.answers[-1].get("saved"):
        return []
    with np.load(worker.outputs) as content:
        return [content[name] for name in content.files]
