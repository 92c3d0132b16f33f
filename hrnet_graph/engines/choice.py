"""Which engine runs a network best here, as it was measured, and why."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hrnet_graph.choices import Waiting
from hrnet_graph.engines.engine import MAX_THREADS, WAIT_VARIABLE, process_waiting
from hrnet_graph.precision import Precision

NOISE = 1.02
"""So many times as long is as fast: the simplest of those is the best."""

SIMPLE = ("torch", "onnxruntime", "openvino", "ncnn")
"""Engines from the simplest on; others come after them."""

BOUNDS: Mapping[Precision, float] = {"float32": 1e-4, "bfloat16": 0.05, "float16": 0.01}
"""The largest difference of a result from torch's in float32, over the largest value there."""

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=MAX_THREADS)]


class Value(BaseModel):
    """Part of a choice, as it is kept: nothing is converted, and nothing unknown taken."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Question(Value):
    """What is asked: of which network (by digest), for which images (N, C, H, W), where, and how.

    `threads` are the numbers to try, `beside` how many other processes are busy, `environment` what
    OpenMP reads but how threads wait, which is tried.
    """

    network: str
    shape: tuple[int, int, int, int]
    precision: Precision
    threads: tuple[Count, ...]
    targets: tuple[str, ...]
    beside: Annotated[int, Field(ge=0)]
    machine: str
    versions: dict[str, str]
    environment: dict[str, str]

    @property
    def digest(self) -> str:
        """What tells it from other questions."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


class Setting(Value):
    """An engine, how many threads it has, and how they wait: its own choice where None.

    by_environment: whether that is settled by the environment that the process starts in
    """

    target: str
    threads: Count
    waiting: Waiting | None = None
    by_environment: bool = False

    @property
    def how(self) -> str:
        """`2 threads, passive`."""
        count = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        if self.waiting is None:
            return count
        return f"{count}, {f'{WAIT_VARIABLE}=' if self.by_environment else ''}{self.waiting}"

    def __str__(self) -> str:
        return f"{self.target}, {self.how}"

    @property
    def cost(self) -> tuple[int, str, bool, int]:
        """What decides between settings that are as fast as each other: the least."""
        name = self.target
        rank = SIMPLE.index(name) if name in SIMPLE else len(SIMPLE)
        return rank, name, self.waiting is not None, self.threads

    @property
    def applied(self) -> Waiting | None:
        """The waiting that the engine is told, where it is not the environment's."""
        return None if self.by_environment else self.waiting

    def runs_where(self, waiting: Waiting | None) -> bool:
        """Whether it can be had in a process in which OpenMP's threads wait so."""
        return not self.by_environment or self.threads == 1 or self.waiting == waiting


class Trial(Value):
    """What came of a setting: medians of its turns from one on, and the least, in seconds a batch.

    left: whether it was clearly behind and left after these turns
    late: whether there was no time for it to start
    difference: of its results from torch's in float32, over the largest value there
    """

    setting: Setting
    begun: Annotated[int, Field(ge=0)] = 0
    seconds: tuple[Seconds, ...] = ()
    least: Seconds | None = None
    difference: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    left: bool = False
    late: bool = False
    error: str = ""

    @property
    def is_valid(self) -> bool:
        """Whether it ran, and gave torch's results."""
        return bool(self.seconds) and not self.error

    @property
    def median(self) -> float | None:
        return statistics.median(self.seconds) if self.seconds else None

    def ratio(self, other: Trial) -> float:
        """How many times as long it takes: the median over the turns that both had."""
        ours, theirs = _common([self, other])
        pairs = [a / b for a, b in zip(ours, theirs, strict=True)]
        if pairs:
            return statistics.median(pairs)
        return statistics.median(self.seconds) / statistics.median(other.seconds)


class Choice(Value):
    """All that was tried for a question, and why the rest was not.

    load: how many processes wanted a processor of the machine as it began
    """

    question: Question
    trials: Annotated[tuple[Trial, ...], Field(min_length=1)]
    untried: dict[str, str]
    load: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0

    @model_validator(mode="after")
    def _answers(self) -> Choice:
        if not any(trial.is_valid for trial in self.trials):
            raise ValueError("nothing ran")
        asked = self.question
        for each in (trial.setting for trial in self.trials):
            if each.target not in asked.targets or each.threads not in asked.threads:
                raise ValueError(f"{each} was not asked for")
        return self

    @property
    def skipped(self) -> tuple[str, ...]:
        """The engines of which nothing was tried for want of time."""
        started = {t.setting.target for t in self.trials if not t.late}
        late = (t.setting.target for t in self.trials if t.late)
        return tuple(name for name in dict.fromkeys(late) if name not in started)

    def __str__(self) -> str:
        return self.why(process_waiting())

    def best(self, waiting: Waiting | None, *, anywhere: bool = False) -> Trial:
        """The fastest where OpenMP's threads wait so, or anywhere; the simplest of those alike."""
        valid = [t for t in self.trials if t.is_valid]
        runs = [t for t in valid if anywhere or t.setting.runs_where(waiting)]
        lasting = [t for t in runs if not t.left] or runs or valid
        paces = map(self._pace, lasting, _common(lasting))
        leader, _ = min(
            zip(lasting, paces, strict=True), key=lambda one: (one[1], one[0].setting.cost)
        )
        alike = [trial for trial in lasting if self._ratio(trial, leader) <= NOISE]
        return min(alike, key=lambda trial: trial.setting.cost)

    def _pace(self, trial: Trial, common: Sequence[float]) -> float:
        """The seconds that a trial takes, by the turns that all had, or its own if there are none.

        On a machine that does nothing else that is their lower quartile, since what others do
        there only adds; among busy processes it is the median.
        """
        seconds = common or trial.seconds
        if self.question.beside:
            return statistics.median(seconds)
        return sorted(seconds)[(len(seconds) - 1) // 4]

    def _ratio(self, trial: Trial, other: Trial) -> float:
        """How many times as long one takes as another."""
        if self.question.beside:
            return trial.ratio(other)
        ours, theirs = map(self._pace, (trial, other), _common([trial, other]))
        return ours / theirs

    def verdict(self, trial: Trial, waiting: Waiting | None) -> str:
        """What became of a trial, in a few words."""
        best = self.best(waiting)
        if not trial.is_valid:
            return trial.error or "not timed"
        if trial is best:
            return "best"
        ratio = self._ratio(trial, best)
        said = f"{ratio:.2f} times as long"
        if trial.left:
            said += f", left in turn {len(trial.seconds)}"
        elif ratio <= NOISE and trial.setting.runs_where(waiting):
            said = "as fast, and less simple"
        if not trial.setting.runs_where(waiting):
            said += ", not in this process"
        return said

    def rows(self, waiting: Waiting | None) -> list[dict[str, Any]]:
        """Every trial, and every engine that was not tried, as plain data."""
        tried = [
            {
                "engine": trial.setting.target,
                "settings": trial.setting.how,
                "threads": trial.setting.threads,
                "waiting": trial.setting.waiting,
                "least": trial.least,
                "median": trial.median,
                "difference": trial.difference,
                "turns": len(trial.seconds),
                "verdict": self.verdict(trial, waiting),
            }
            for trial in self.trials
        ]
        return [*tried, *({"engine": k, "verdict": v} for k, v in self.untried.items())]

    def why(self, waiting: Waiting | None) -> str:
        """The answer and its reason, in one sentence."""
        best = self.best(waiting)
        said = f"{best.setting}: {1000 * (best.median or 0):.1f} ms a batch"
        if not best.setting.runs_where(waiting):
            said += " (nothing ran as this process was started)"
        valid = [t for t in self.trials if t.is_valid and t.setting.runs_where(waiting)]
        others = [trial for trial in valid if trial.setting.target != best.setting.target]
        if others:
            rival = min(others, key=lambda trial: self._ratio(trial, best))
            ratio = self._ratio(rival, best)
            how = (
                f"{ratio:.2f} times as fast as"
                if ratio > NOISE
                else "as fast as, and simpler than,"
            )
            said += f", {how} {rival.setting}"
        anywhere = self.best(waiting, anywhere=True)
        if not anywhere.setting.runs_where(waiting) and self._ratio(best, anywhere) > NOISE:
            told = f"{WAIT_VARIABLE}={anywhere.setting.waiting or ''}".rstrip("=")
            how = f"with {told}" if anywhere.setting.waiting else f"without {told}"
            faster = f"{self._ratio(best, anywhere):.2f} times as fast"
            said += f"; a process started {how} would be {faster}, by {anywhere.setting}"
        return said


def _common(trials: Sequence[Trial]) -> list[tuple[float, ...]]:
    """The seconds of each in the turns that all of them had."""
    first = max(each.begun for each in trials)
    last = max(first, min(each.begun + len(each.seconds) for each in trials))
    return [each.seconds[first - each.begun : last - each.begun] for each in trials]
