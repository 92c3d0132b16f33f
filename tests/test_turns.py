"""Which setting wins, and who is tried for how long."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext

import pytest
from chosen import NCNN, ONE, ONNX, OPENVINO, PASSIVE, TORCH, chosen, question_of

from hrnet_graph.benchmark import recommend as recommending
from hrnet_graph.benchmark.recommend import first_of, variants_of
from hrnet_graph.benchmark.turns import EARLY, TURNS, hold
from hrnet_graph.engines import question as asking
from hrnet_graph.engines.choice import Choice, Setting, Trial
from hrnet_graph.engines.question import cpus, thread_counts


class Clock:
    """The time, which passes when a runner runs or is started."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Fake:
    """A runner that takes the time it is told; the last one for ever."""

    def __init__(self, clock: Clock, times: list[float], error: str = "") -> None:
        self.clock, self.times, self.error = clock, times, error
        self.difference = None if error else 1e-6
        self.closed = False

    def run(self) -> float:
        assert not self.closed
        seconds = self.times.pop(0) if len(self.times) > 1 else self.times[0]
        self.clock.now += seconds
        return seconds

    def close(self) -> None:
        self.closed = True


def held(
    paces: Mapping[Setting, list[float]],
    variants: Mapping[Setting, list[Setting]] | None = None,
    *,
    errors: Mapping[Setting, str] | None = None,
    seconds: float = 1000.0,
    starting: float = 1.0,
) -> tuple[dict[Setting, Trial], list[float | None]]:
    """What comes of settings that take such times, and how long each might take to start."""
    clock, limits = Clock(), list[float | None]()

    def start(setting: Setting, limit: float | None) -> Fake:
        limits.append(limit)
        clock.now += starting
        return Fake(clock, list(paces[setting]), (errors or {}).get(setting, ""))

    more = variants or {}
    first = [setting for setting in paces if all(setting not in each for each in more.values())]
    trials = hold(first, lambda of: more.get(of, []), start, nullcontext, clock, seconds)
    return {trial.setting: trial for trial in trials}, limits


def test_who_is_behind_leaves_and_variants_of_the_others_come_in() -> None:
    paces = {TORCH: [3.0], OPENVINO: [1.0], NCNN: [5.0], PASSIVE: [1.0], ONE: [0.5], ONNX: [1.4]}
    found, limits = held(paces, {OPENVINO: [ONE], TORCH: [PASSIVE]})
    assert PASSIVE not in found  # a variant of one that left
    turns = {setting: (len(trial.seconds), trial.left) for setting, trial in found.items()}
    assert turns[NCNN] == (1, True)  # more than four times as long
    assert turns[TORCH] == (EARLY, True)
    assert turns[OPENVINO] == turns[ONNX] == (2 * EARLY, True)  # than the variant
    assert (found[ONE].begun, turns[ONE]) == (EARLY, (EARLY, False))  # and it is alone then
    assert limits[0] is None
    assert all(limit is not None and limit > 0 for limit in limits[1:])
    found, _ = held({OPENVINO: [1.0], ONNX: [1.4]})
    assert [len(trial.seconds) for trial in found.values()] == [TURNS + EARLY] * 2
    found, _ = held({OPENVINO: [1.0], ONNX: [1.0, 1.0, *[9.0] * 9, 1.1, 9.0]})
    assert not found[ONNX].left  # disturbed, and not behind in its best run


def test_time_that_is_up_is_said_and_the_first_is_timed_anyway() -> None:
    found, _ = held({TORCH: [2.0], OPENVINO: [1.0], ONNX: [1.0]}, seconds=10.0, starting=8.0)
    assert len(found[TORCH].seconds) == 1
    assert [found[each].late for each in (TORCH, OPENVINO, ONNX)] == [False, True, True]
    broken = {OPENVINO: "it answers what is no number"}
    found, _ = held({TORCH: [2.0], OPENVINO: [1.0]}, errors=broken)
    assert (found[OPENVINO].error, found[OPENVINO].seconds) == (broken[OPENVINO], ())


def test_the_fastest_wins_and_the_simplest_of_those_that_are_as_fast() -> None:
    choice = chosen((NCNN, 0.100), (OPENVINO, 0.101), (TORCH, 0.2), (PASSIVE, 0.09))
    assert choice.best(None).setting == OPENVINO
    assert choice.best("passive").setting == PASSIVE
    verdicts = {row["engine"]: row["verdict"] for row in choice.rows("passive")[:-2]}
    assert verdicts["ncnn"] == "1.11 times as long, not in this process"
    assert choice.rows(None)[-1] == {"engine": "other", "verdict": choice.untried["other"]}
    assert choice.rows(None)[0]["verdict"] == "as fast, and less simple"
    assert str(choice) == (
        "openvino, 2 threads: 101.0 ms a batch, as fast as, and simpler than, ncnn, 2 threads; a "
        "process started with OMP_WAIT_POLICY=passive would be 1.12 times as fast, by torch, 2 "
        "threads, OMP_WAIT_POLICY=passive"
    )
    assert "(nothing ran as this process was started)" in chosen((PASSIVE, 0.1)).why(None)
    late_one = Trial(setting=NCNN, begun=3, seconds=(0.1, 0.1), least=0.1)
    early = Trial(setting=OPENVINO, seconds=(0.3, 0.3, 0.3, 0.2, 0.2), least=0.2)
    assert late_one.ratio(early) == 0.5  # over the turns of both


def test_neighbours_of_a_quiet_machine_decide_nothing() -> None:
    onnx = (0.139, 0.131, 0.127, 0.174, 0.182, 0.134, 0.235, 0.183, 0.128, 0.138, 0.150, 0.143)
    openvino = (0.122, 0.128, 0.122, 0.206, 0.200, 0.124, 0.225, 0.219, 0.127, 0.176, 0.149, 0.121)
    trials = tuple(
        Trial(setting=setting, seconds=seconds, least=min(seconds))
        for setting, seconds in ((ONNX, onnx), (OPENVINO, openvino))
    )
    quiet = Choice(question=question_of(), trials=trials, untried={})
    assert quiet.best(None).setting == OPENVINO
    assert quiet.rows(None)[0]["verdict"] == "1.07 times as long"
    crowd = Choice(question=question_of(beside=2), trials=trials, untried={})
    assert crowd.best(None).setting == ONNX


def test_what_is_tried_depends_on_the_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (asking, recommending):
        monkeypatch.setattr(module, "cpus", lambda: 8)
    assert thread_counts(None, 0) == (8, 4)
    assert thread_counts(None, 2) == (6, 8, 3)
    assert thread_counts(5, 2) == (5,)
    quiet = question_of(threads=(8, 4))
    assert first_of("torch", quiet, 0) == Setting(target="torch", threads=8, by_environment=True)
    assert first_of("torch", quiet, 3).how == "4 threads, OMP_WAIT_POLICY=passive"
    assert first_of("openvino", quiet, 9).how == "4 threads"
    assert first_of("onnxruntime", quiet, 8).how == "8 threads"
    assert [each.how for each in variants_of(first_of("torch", quiet, 0), quiet)] == [
        "8 threads, OMP_WAIT_POLICY=passive",
        "4 threads",
    ]
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert first_of("ncnn", quiet, 0).waiting == "active"
    assert first_of("onnxruntime", quiet, 0).waiting is None
    monkeypatch.undo()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert cpus() == 1
