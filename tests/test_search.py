"""The search for variants under limits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import pytest

import hrnet_graph as hg
from hrnet_graph.search.expression import condition
from hrnet_graph.search.figures import FIGURES
from hrnet_graph.search.storage import backend
from hrnet_graph.search.study import read_objective, search

NAME = "hrnet_w18_small_v1_cls"
SPACE: dict[str, list[Any]] = {"width": [4, 8, -1], "stages.2.modules": [1, 2]}


def widest(spec: hg.Spec) -> float:
    """An objective: the wider the better."""
    return float(spec.width or 0)


def raising(spec: hg.Spec) -> float:
    raise ValueError("out of order")


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hrnet_graph", "search", *map(str, arguments)]
    path = os.pathsep.join((str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")))
    env = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=env)


def test_counts_are_sought_by_default(tmp_path: Path) -> None:
    spec = hg.load_spec(NAME)
    found = search(spec, SPACE, storage=str(tmp_path / "s.db"), seed=0)
    assert (found.finished, found.space, found.exhausted) == (6, 6, True)
    assert found.refused == 2
    assert [dict(winner.values) for winner in found.winners] == [
        {"width": 4, "stages.2.modules": 1}
    ]
    report = hg.analyze(hg.build_graph(found.winners[0].spec))
    assert found.winners[0].objective == (report.params, report.macs)


def test_a_search_leaves_optuna_as_loud_as_it_was(tmp_path: Path) -> None:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        search(hg.load_spec(NAME), {"width": [4]}, trials=1, storage=str(tmp_path / "s.db"))
        with pytest.raises(hg.HRNetGraphError, match="cannot be used"):
            search(hg.load_spec(NAME), {"width": [4]}, trials=1, storage=str(tmp_path / "no/s.db"))
        assert optuna.logging.get_verbosity() == optuna.logging.WARNING
    finally:
        optuna.logging.set_verbosity(before)


def test_an_objective_of_ones_own_under_a_limit(tmp_path: Path) -> None:
    found = search(
        hg.load_spec(NAME),
        SPACE,
        trials=25,
        storage=str(tmp_path / "s.db"),
        directions=("maximize",),
        objective=read_objective("test_search:widest"),
        where=condition("width < 8", ("width",)),
        seed=0,
    )
    assert {winner.values["width"] for winner in found.winners} == {4}


def begun(storage: str) -> list[Any]:
    """When each trial of a search was begun."""
    study = optuna.load_study(study_name=NAME, storage=f"sqlite:///{storage}")
    return [trial.datetime_start for trial in study.get_trials(deepcopy=False)]


def test_a_search_resumes_and_never_repeats_what_is_finished(tmp_path: Path) -> None:
    spec, storage = hg.load_spec(NAME), str(tmp_path / "s.db")
    assert search(spec, SPACE, trials=3, storage=storage, seed=0).finished == 3
    first = begun(storage)
    assert len(first) == 3
    assert search(spec, SPACE, trials=3, storage=storage, seed=0).finished == 3
    assert begun(storage) == first
    assert search(spec, SPACE, trials=5, storage=storage, seed=0).finished == 5
    assert begun(storage)[:3] == first
    assert len(begun(storage)) == 5
    for other in ({"where": condition("width < 9", ("width",))}, {"objective": ("field", "macs")}):
        with pytest.raises(hg.HRNetGraphError, match="holds a search of another spec or space"):
            search(spec, SPACE, trials=9, storage=storage, **other)
    with pytest.raises(hg.HRNetGraphError, match="holds a search of another spec or space"):
        search(spec, {"width": [4]}, trials=9, storage=storage)


def tried(storage: str) -> list[tuple[Any, ...]]:
    """The points of all trials, in order."""
    study = optuna.load_study(study_name=NAME, storage=f"sqlite:///{storage}")
    return [tuple(trial.params.values()) for trial in study.get_trials(deepcopy=False)]


@pytest.mark.parametrize("trials", [None, 5, 11, 12, 40])
def test_no_point_is_tried_twice(
    trials: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hrnet_graph.search.study.figures", counted)
    space = {"width": [4, 5, 6, 5], "stages.2.modules": [1, 2, 3, 4]}
    storage = str(tmp_path / "s.db")
    found = search(hg.load_spec(NAME), space, trials=trials, storage=storage, seed=0)
    points = tried(storage)
    assert len(points) == len(set(points)) == found.finished == min(12, trials or 12)
    assert found.exhausted == (trials not in (5, 11))


def test_a_large_space_is_sampled_without_repeats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hrnet_graph.search.study.figures", counted)
    space = {"width": list(range(4, 44)), "stages.2.modules": list(range(1, 31))}
    storage = str(tmp_path / "s.db")
    found = search(hg.load_spec(NAME), space, storage=storage, seed=1)
    points = tried(storage)
    assert len(points) == len(set(points)) == found.finished == 100
    assert (found.space, found.exhausted) == (1200, False)


def counted(spec: hg.Spec) -> dict[str, int]:
    """Figures at no cost, by which the narrow and shallow win."""
    return dict.fromkeys(FIGURES, (spec.width or 0) * (spec.stages[2].modules or 0))


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["s.journal", "s.db"])
def test_eight_processes_share_a_search(storage: str, tmp_path: Path) -> None:
    space = ("--vary", "width=4..23", "--vary", "stages.2.modules=1..5")
    command = [sys.executable, "-m", "hrnet_graph", "search", NAME, *space, "--json"]
    processes = [
        subprocess.Popen([*command, "--storage", storage], cwd=tmp_path, stdout=subprocess.PIPE)
        for _ in range(8)
    ]
    said = [json.loads(process.communicate()[0]) for process in processes]
    assert all(each["exhausted"] and each["winners"] == said[0]["winners"] for each in said)
    study = optuna.load_study(study_name=NAME, storage=backend(str(tmp_path / storage)))
    done = [
        tuple(trial.params.values())
        for trial in study.get_trials(deepcopy=False)
        if trial.state in (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    ]
    assert len(done) == len(set(done)) == 100


def test_a_killed_search_loses_nothing_that_was_finished(tmp_path: Path) -> None:
    arguments = [NAME, "--vary", "width=4..40", "--vary", "stages.2.modules=1..40"]
    command = [sys.executable, "-m", "hrnet_graph", "search", *arguments, "--trials", "100000"]
    storage = tmp_path / "s.db"
    process = subprocess.Popen([*command, "--storage", str(storage)], cwd=tmp_path)

    def finished() -> int:
        try:
            study = optuna.load_study(study_name=NAME, storage=f"sqlite:///{storage}")
        except Exception:
            return 0
        states = (optuna.trial.TrialState.COMPLETE,)
        return len(study.get_trials(deepcopy=False, states=states))

    deadline = time.monotonic() + 60
    while finished() < 5 and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = finished()
    assert before >= 5
    result = run(*arguments, "--trials", before + 3, "--storage", storage, "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["finished"] == before + 3


def test_winners_are_ordinary_specs(tmp_path: Path) -> None:
    vary = ("--vary", "width=4,8", "--vary", "stages.2.modules=1,2")
    result = run(
        NAME, *vary, "--trials", 12, "--storage", "s.db", "-o", "won", "--seed", 0, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    (path,) = (tmp_path / "won").iterdir()
    assert hg.build_graph(path).name == f"{NAME}_0"
    assert hg.load_spec(path).width == 4
    said = "all 4 variants tried, 0 of them refused by the limits: no better one is left"
    assert result.stdout.splitlines()[-1] == said
    assert result.stdout.splitlines()[1].split() == ["width", "stages.2.modules", "params", "MACs"]


def test_the_widest_network_under_a_limit_is_found(tmp_path: Path) -> None:
    limit = ("--vary", "width=4..20", "--where", "macs < 1.4e9")
    aim = ("--objective", "params", "--direction", "maximize", "--storage", "s.db")
    result = run(NAME, *limit, *aim, "--json", cwd=tmp_path)
    found = json.loads(result.stdout)
    macs = {
        width: hg.analyze(hg.build_graph(hg.load_spec(NAME, {"width": width}))).macs
        for width in range(4, 21)
    }
    widest = max(width for width, count in macs.items() if count < 1.4e9)
    (winner,) = found["winners"]
    assert winner["values"] == {"width": widest}
    assert winner["figures"]["macs"] == macs[widest]
    assert (found["exhausted"], found["objective"]) == (True, ["params"])
    text = run(NAME, *limit, *aim, cwd=tmp_path).stdout
    assert text.splitlines()[1].split() == ["width", "params", "MACs"]
    assert f" {macs[widest]:,} " in text
    assert f" {winner['figures']['params']:,} " in text


def test_limits_that_nothing_meets_are_said(tmp_path: Path) -> None:
    limit = ("--vary", "width=4,8", "--where", "macs < 1", "--storage", "s.db")
    result = run(NAME, *limit, cwd=tmp_path)
    assert result.stdout.splitlines()[-1] == "nothing was found"


def test_what_makes_no_network_is_told_apart_from_limits(tmp_path: Path) -> None:
    space = ("--vary", "width=4,8,x", "--where", "width < 8", "--storage", "s.journal")
    lines = run(NAME, *space, cwd=tmp_path).stdout.splitlines()
    assert lines[-2:] == [
        "all 3 variants tried, 1 of them refused by the limits: no better one is left",
        "1 make no network, the first of them width=x: "
        "overrides: width: expected an integer, got 'x'",
    ]


def test_a_function_names_its_column(tmp_path: Path) -> None:
    own = ("--objective", "test_search:widest", "--direction", "maximize", "--storage", "s.db")
    result = run(NAME, "--vary", "width=4,8", *own, cwd=tmp_path)
    assert result.stdout.splitlines()[1].split() == ["width", "widest", "params", "MACs"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--vary", "widht=4"), "--vary widht: widht: unknown key; did you mean 'width'?"),
        (("--vary", "width=4", "--where", "f(1)"), "error: the condition's language has no 'f(1)'"),
        (
            ("--vary", "width=4", "--objective", "os"),
            "error: expected an objective as module:function",
        ),
        (
            ("--vary", "width=4", "--objective", "os:nothing"),
            "error: the objective 'os:nothing' cannot",
        ),
        (
            ("--vary", "width=4", "--objective", "os:sep"),
            "error: the objective 'os:sep' is no function",
        ),
        (
            ("--vary", "width=4", "--objective", "test_search:raising"),
            "error: the objective raised ValueError: out of order",
        ),
        (("--vary", "width=4", "--storage", "no/such/folder/s.db"), "error: the storage"),
        (
            ("--vary", "width=4", "--storage", "nothing://me:secret@x"),
            "error: the storage 'nothing://me:***@x' cannot be used",
        ),
    ],
)
def test_bad_input_ends_in_one_message(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run(NAME, "--trials", 2, "--storage", "s.db", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith(message), result.stderr
    assert "Traceback" not in result.stderr
