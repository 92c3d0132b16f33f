"""The target auto: who wins, what is kept, and what is said of it."""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from chosen import ONE, OPENVINO, TORCH, chosen
from click.testing import CliRunner
from engines import agree, engine
from small import HEADS, SMALL

import hrnet_graph as hg
from hrnet_graph import late
from hrnet_graph.benchmark import recommend as recommending
from hrnet_graph.benchmark.busy import busy
from hrnet_graph.benchmark.drawn import drawn_model
from hrnet_graph.benchmark.process import Worker
from hrnet_graph.benchmark.recommend import recommend
from hrnet_graph.cli.commands.bench import command as bench
from hrnet_graph.engines.auto import answer, choose
from hrnet_graph.engines.choice import Choice, Question, Setting, Trial
from hrnet_graph.engines.engine import OWN
from hrnet_graph.engines.kept import cache_folder, keep, place_of, recall
from hrnet_graph.engines.question import Workload, ask, digest_of
from hrnet_graph.files import runs


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own, and an environment that says nothing of waiting."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    return tmp_path / "cache" / "hrnet-graph"


def test_a_choice_is_kept_and_anything_else_there_is_said_and_measured_anew(cache: Path) -> None:
    choice = chosen((TORCH, 0.1))
    question = choice.question
    assert recall(question) == (None, "")
    path = keep(choice)
    assert path == place_of(question)
    assert path.is_relative_to(cache)
    assert recall(question) == (choice, "")
    whole = path.read_text()
    for text, said in (
        ("", "is no choice of engines: Invalid JSON: EOF while parsing a value"),
        ("\0\xff", "is no choice of engines: Invalid JSON"),
        ("[" * 10_000, "is no choice of engines: Invalid JSON: recursion limit"),
        (" " * 2**21, "is no choice of engines: it is too large"),
        (whole.replace("0.1,", "-0.1,", 1), "trials.0.seconds.0: Input should be greater than 0"),
        (whole.replace("0.1,", '"0.1",', 1), "trials.0.seconds.0: Input should be a valid number"),
        (whole.replace('"beside": 0', '"beside": 1'), "answers another question"),
        (whole.replace('"load"', '"lead"'), "lead: Extra inputs are not permitted"),
        (whole.replace('"target": "torch"', '"target": "other"'), "other, 2 threads was not asked"),
        (
            whole.replace('"waiting": null', '"waiting": "passive"').replace("true", "false"),
            "torch, 2 threads, passive cannot be had",
        ),
    ):
        path.write_text(text, encoding="latin-1")
        found, problem = recall(question)
        assert found is None
        assert said in problem
        assert "\n" not in problem
    path.unlink()
    path.mkdir()
    assert recall(question)[1].endswith("is no file")
    spec = hg.load_spec(SMALL)
    told = answer(spec, question, {}, measure=lambda *_: choice).told
    assert told[0].startswith("measured anew: '")
    assert "not kept: cannot write" in told[1]


def test_no_folder_to_keep_in_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    if sys.platform == "linux":
        assert cache_folder() == tmp_path / ".cache" / "hrnet-graph"
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    choice = chosen((TORCH, 0.1))
    told = answer(hg.load_spec(SMALL), choice.question, {}, measure=lambda *_: choice).told
    assert "not kept: cannot make the folder" in told[0]
    hurried = Trial(setting=OPENVINO, late=True, error="no time")
    partly = choice.model_copy(update={"trials": (*choice.trials, hurried)})
    told = answer(hg.load_spec(SMALL), choice.question, {}, measure=lambda *_: partly).told
    assert "not kept: there was no time for openvino" in told[0]


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> list[Question]:
    """The questions that are measured, each answered with torch."""
    asked: list[Question] = []

    def pretend(
        spec: hg.Spec, question: Question, untried: dict[str, str], seconds: float
    ) -> Choice:
        asked.append(question)
        threads = question.threads[0]
        one = ONE.model_copy(update={"threads": threads})
        trial = Trial(setting=one, seconds=(0.25,), least=0.25, difference=0.0)
        others = (
            Trial(setting=Setting(target=name, threads=threads), error="fails")
            for name in question.targets
            if name != "torch"
        )
        return Choice(question=question, trials=(trial, *others), untried=untried, load=99.0)

    monkeypatch.setattr(recommending, "recommend", pretend)
    assert recommending.__name__ == late.MEASURING
    return asked


def test_compile_takes_what_is_kept_or_measures(
    measuring: list[Question], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "hrnet_graph")
    model = hg.build_module(SMALL).eval()
    with pytest.warns(UserWarning, match=r"small runs on torch, .*: 250.0 ms .* kept in /"):
        first = hg.compile(model, "auto")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = hg.compile(model, "auto")
    assert len(measuring) == 1
    assert "(kept in /" in caplog.text
    assert first.target == again.target == "torch"
    assert first.choice == again.choice
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        agree(again(x), model(x), "float32")
    for how in ({"batch": 2}, {"beside": 3}, {"input_size": (32, 64)}, {"threads": 7}):
        with pytest.warns(UserWarning, match="measured while 99 processes wanted its"):
            hg.compile(SMALL, "auto", **how)
    assert [q.shape for q in measuring[1:]][::2] == [(2, 3, 64, 64), (1, 3, 32, 64)]
    assert (measuring[2].beside, measuring[4].threads) == (3, (7,))


def test_what_auto_cannot_do_is_refused(measuring: list[Question]) -> None:
    graph = hg.build_graph(SMALL)
    bare = type(graph)(**{**vars(graph), "spec": None})
    wrong: tuple[tuple[Any, dict[str, Any], str], ...] = (
        (SMALL, {"beside": 1, "target": "torch"}, "beside is for the target auto, got 1"),
        (SMALL, {"waiting": "passive"}, "the target auto chooses how threads wait"),
        (SMALL, {"precision": "int8"}, "the target auto chooses between float32, bfloat16, flo"),
        (SMALL, {"beside": -1}, "beside: expected 0 to 1024 processes, got -1"),
        (SMALL, {"batch": 0}, "batch: expected 1 to 1024 images, got 0"),
        (SMALL, {"calibration": "photos"}, "calibration is for int8, got 'photos' for 'float32'"),
        (SMALL, {"weights": "none.pt"}, "no weights file at 'none.pt'"),
        (SMALL, {"weights": 5}, "weights: expected the name of a file, got int 5"),
        (SMALL, {"waiting": "idle", "target": "torch"}, "unknown waiting 'idle'"),
        (SMALL, {"waiting": "active", "target": "openvino"}, "has no choice of how its threads"),
        (SMALL, {"waiting": "active", "target": "torch"}, "wait is settled before the process"),
        (bare, {}, "the target auto measures what a spec makes, and small was made otherwise"),
    )
    for given, how, message in wrong:
        with pytest.raises(hg.HRNetGraphError, match=message):
            hg.compile(given, **{"target": "auto", **how})
    with pytest.raises(hg.HRNetGraphError, match=r"of the CPU, got a network on cuda:0"):
        choose(graph, (64, 64), "cuda:0", Workload())
    assert measuring == []


def test_waiting_that_can_be_had_is(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.zeros((1, 3, 64, 64), np.float32)
    for waiting in ("active", "passive"):
        run = hg.compile(SMALL, engine("onnxruntime"), threads=2, waiting=waiting)
        assert isinstance(run(x), np.ndarray)
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    assert hg.compile(SMALL, "torch", waiting="passive").target == "torch"


def test_networks_are_told_apart_by_what_they_are() -> None:
    graph = hg.build_graph(SMALL)
    assert digest_of(graph) == digest_of(hg.build_graph({**SMALL, "name": "other"}))
    assert digest_of(graph) != digest_of(hg.build_graph({**SMALL, "width": 3}))


def test_the_command_shows_all_and_keeps_the_answer(
    measuring: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ncnn", None)
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(SMALL))

    def run(*more: str) -> Any:
        return CliRunner().invoke(bench, [str(path), *more])

    result = run("--recommend", "--beside", "2")
    assert result.exit_code == 0, result.output
    assert "small at 1x3x64x64 in float32, beside 2 busy processes" in result.stdout
    assert "torch, 1 thread: 250.0 ms a batch" in result.stdout.splitlines()
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    assert "the target ncnn needs ncnn: pip install 'hrnet-graph[ncnn]'" in rows["ncnn"]
    assert rows["openvino"].split()[1:] == ["1", "thread", "fails"]
    document = json.loads(run("--recommend", "--beside", "2", "--json").stdout)
    assert document["recommended"]["target"] == "torch"
    assert document["kept"]
    run("--recommend", "--beside", "2", "--again", "-o", str(tmp_path / "a.svg"))
    assert len(measuring) == 2
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    for more, message in (
        (("--again", "--seconds", "3"), "--seconds, --again: for --recommend, which is not"),
        (("--recommend", "--runs", "3"), "--runs: not for --recommend"),
        (("--recommend", "--max-difference", "0"), "--max-difference: not for --recommend"),
        (("--recommend", "--targets", "torch:f16"), "unknown target 'torch:f16'"),
    ):
        assert str(run(*more).exception).startswith(message)


def test_busy_processes_end_with_the_block() -> None:
    before = set(children())
    with busy(1):
        (started,) = set(children()) - before
    assert not runs(started)


def children() -> Iterator[int]:
    """The processes that this one started (Linux)."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    if not listed.exists():
        pytest.skip("this system does not list a process's children")
    yield from map(int, listed.read_text().split())


def test_a_process_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    worker = Worker(tmp_path / "a")
    worker.ask("", 0.1)  # it waits for its job
    assert worker.error == "was not ready in 0 s"
    worker.close()


def test_a_run_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = 'print(\'{"cold": 0.01}\\n{"saved": false}\', flush=True); time.sleep(20)'
    command = [sys.executable, "-c", f"import time; {answers}"]
    monkeypatch.setattr("hrnet_graph.benchmark.process.command_of", lambda _: command)
    monkeypatch.setattr(recommending, "difference", lambda *_: 0.0)
    worker = Worker(tmp_path / "a")
    worker.ask()
    worker.ask()
    running = recommending._Process(worker, [], 1.0, 0.3)
    assert (running.error, running.run()) == ("", math.inf)
    assert running.error == "was not ready in 0 s"
    running.close()


@pytest.mark.slow
def test_real_engines_are_tried_beside_a_busy_process() -> None:
    targets = [name for name in OWN if name != "torch-compile" and not OWN[name].missing]
    question, untried = ask(hg.build_graph(SMALL), Workload(beside=1), targets)
    choice = recommend(hg.load_spec(SMALL), question, untried, 120.0)
    assert {trial.setting.target for trial in choice.trials} == set(targets)
    assert not choice.skipped
    for trial in choice.trials:
        assert trial.is_valid, trial
        assert trial.difference is not None
        assert trial.difference < 1e-4


@pytest.mark.slow
def test_a_precision_is_not_left_for_weights_that_nobody_trained() -> None:
    name = "hrnet_w32_pose_256x192"  # whose results are 1e-10 as training starts
    spec = hg.load_spec(name, {"width": 4, "input": [3, 64, 64]})
    question, untried = ask(hg.build_graph(spec), Workload("float16", threads=1), ["torch"])
    (trial,) = recommend(spec, question, untried, 120.0).trials
    assert trial.difference is not None
    assert 0 < trial.difference < 0.01


def test_results_that_are_compared_depend_on_the_image() -> None:
    graph = hg.build_graph({**SMALL, "head": HEADS[4]})
    black, white = torch.zeros(1, 3, 64, 64), torch.ones(1, 3, 64, 64)
    first, second = map(hg.compile(drawn_model(graph, 0)), (black, white))
    assert isinstance(first, torch.Tensor)
    assert isinstance(second, torch.Tensor)
    assert 0.01 < (first - second).abs().max() / first.abs().max() < 2
    assert 0.1 < first.abs().max() < 1000
