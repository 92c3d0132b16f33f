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

from hrnet_graph.benchmark.candidates import Candidate
from hrnet_graph.benchmark.process import FailedError, Worker
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.spec.schema import Spec

WARM_UP = 2
"""Rounds that are run and not counted, after the first output."""


@dataclass(frozen=True)
class Settings:
    """How to measure: images a batch, threads (the engine's own choice if None), counted rounds."""

    batch: int = 1
    threads: int | None = None
    runs: int = 10
    weights: str | None = None
    calibration: str | None = None


@dataclass(frozen=True)
class Row:
    """What was measured of a candidate, or the error that it ended in.

    `seconds` are the counted runs, `cold` the first output from the spec on, imports included.
    `peak` is the process's memory in bytes until then, `running` in the runs. `difference` is the
    largest from the outputs of the first candidate with the same weights, over their largest value.
    """

    name: str
    seconds: tuple[float, ...] = ()
    cold: float | None = None
    peak: int | None = None
    running: int | None = None
    difference: float | None = None
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


@dataclass
class _Entry:
    """A candidate while it is measured: its worker and the facts so far, one of them an error."""

    candidate: Candidate
    outputs: Path
    worker: Worker
    facts: dict[str, Any]
    seconds: list[float]

    def ask(self, order: str = "") -> dict[str, Any]:
        """The answer to an order, or the next one; nothing once the worker failed."""
        if "error" in self.facts:
            return {}
        try:
            return self.worker.ask(order) if order else self.worker.answer()
        except FailedError as error:
            self.seconds.clear()
            self.facts["error"] = str(error)
            return {}


def measure(spec: Spec, candidates: Sequence[Candidate], settings: Settings) -> list[Row]:
    """Measures the candidates on the same noise, by turns, and compares what they answer.

    One that fails is a row that says so. Raises `HRNetGraphError` if the peer fails.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        entries = []
        for index, candidate in enumerate(candidates):
            entry = _start(candidate, Path(folder, str(index)))
            stack.callback(entry.worker.close)
            entry.facts |= entry.ask(_job(spec, entry, settings))
            if candidate.peer and "error" in entry.facts:
                raise _peer_error(candidate, entry.facts["error"])
            entries.append(entry)
        for turn in range(WARM_UP + settings.runs):
            for entry in entries:
                answer = entry.ask("run")
                if turn >= WARM_UP and answer:
                    entry.seconds.append(answer["seconds"])
        for entry in entries:
            entry.facts |= entry.ask("end")
            entry.facts |= entry.ask()
        differences = _differences(entries)
    return [_row(entry, other) for entry, other in zip(entries, differences, strict=True)]


def _peer_error(peer: Candidate, reason: str) -> HRNetGraphError:
    """The error of a peer that cannot be run, with what is expected of one that a user names."""
    expected = "expected module:callable, which is called without arguments for a torch module"
    hint = "" if peer.peer.startswith("timm:") else expected
    return HRNetGraphError(f"{peer.name} cannot be run: {reason}", hint)


def _row(entry: _Entry, difference: float | None) -> Row:
    """What became of a candidate. An answer that is no number is an error."""
    facts = {name: value for name, value in entry.facts.items() if name != "saved"}
    if difference is not None and not math.isfinite(difference):
        return Row(entry.candidate.name, **{**facts, "error": "it answers what is no number"})
    return Row(entry.candidate.name, tuple(entry.seconds), difference=difference, **facts)


def _start(candidate: Candidate, place: Path) -> _Entry:
    """A candidate with a process of its own; its files begin with `place`."""
    worker = Worker(place.with_suffix(".txt"))
    return _Entry(candidate, place.with_suffix(".npz"), worker, {}, [])


def _job(spec: Spec, entry: _Entry, settings: Settings) -> str:
    """The first line for a worker."""
    how = {**asdict(entry.candidate), **asdict(settings), "outputs": str(entry.outputs)}
    return json.dumps({"spec": spec.dump(), **how})


def _differences(entries: Sequence[_Entry]) -> list[float | None]:
    """Of each candidate's outputs from those of the first; None where they cannot be compared."""
    saved = [_read_outputs(entry) for entry in entries]
    first = next((outputs for outputs in saved if outputs is not None), None)
    return [None if first is None or own is None else _difference(own, first) for own in saved]


def _read_outputs(entry: _Entry) -> list[np.ndarray[Any, Any]] | None:
    if not entry.facts.get("saved"):
        return None
    with np.load(entry.outputs) as content:
        return [content[name] for name in content.files]


def _difference(
    ours: Sequence[np.ndarray[Any, Any]], theirs: Sequence[np.ndarray[Any, Any]]
) -> float:
    """The largest difference of any output, over the largest value of the other's."""
    pairs = zip(ours, theirs, strict=True)
    return max(float(np.abs(a - b).max() / (np.abs(b).max() or 1.0)) for a, b in pairs)
