"""Who tries what: of several processes that share a search, one each, and nobody waits for one that
has gone.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import optuna
import pytest
from optuna.distributions import CategoricalDistribution

import hrnet_graph as hg
from hrnet_graph.search.claims import BY, HEARTBEAT, Claims, TakenError
from hrnet_graph.search.space import Space, Untried
from hrnet_graph.search.study import search

NAME = "hrnet_w18_small_v1_cls"


def test_two_searches_of_one_storage_share_the_space(tmp_path: Path) -> None:
    storage = str(tmp_path / "s.db")
    study = optuna.create_study(study_name=NAME, storage=f"sqlite:///{storage}",
                                directions=["minimize", "minimize"])  # fmt: skip
    space = Space.of({"width": [4, 5, 6]})
    other = study.ask()
    other.suggest_categorical("width", space.labels["width"])
    sampler = Untried(space, walk=True, seed=0)
    study.sampler = sampler
    mine = [study.ask({"width": CategoricalDistribution(space.labels["width"])}) for _ in range(2)]
    assert {t.params["width"] for t in (other, *mine)} == {"4", "5", "6"}
    for trial in mine:
        study.tell(trial, (1, 1))
    again = study.ask({"width": CategoricalDistribution(space.labels["width"])})
    assert again.params == other.params  # nothing else is left, and the other may have been killed


def trying(study: optuna.Study, label: str, row: tuple[str, ...]) -> optuna.Trial:
    """A trial that has stored what it tries, and not yet who it is."""
    number = study.ask()._trial_id
    study._storage.set_trial_param(number, "width", row.index(label), CategoricalDistribution(row))
    return optuna.Trial(study, number)


def test_who_sees_another_one_try_a_point_gives_way(tmp_path: Path) -> None:
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 's.db'}")
    space = Space.of({"width": [4, 5]})
    claims, row = Claims(study, space), space.labels["width"]
    first, second, _ = (trying(study, label, row) for label in ("4", "4", "5"))
    assert claims.busy() == {("4",), ("5",)}
    with pytest.raises(TakenError), claims.claim(second):
        raise AssertionError
    with pytest.raises(TakenError), claims.claim(first):  # as second is still there
        raise AssertionError
    study.tell(second, state=optuna.trial.TrialState.FAIL)
    with claims.claim(first) as point:
        assert point == ("4",)
        assert claims.busy() == {("4",), ("5",)}
    study.tell(first, 1.0)
    with pytest.raises(TakenError), claims.claim(trying(study, "4", row)):  # it is finished
        raise AssertionError


def test_what_is_stored_of_a_trial_first_is_whose_it_is(tmp_path: Path) -> None:
    """Or it would be waited for, once its process was killed in between."""
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 's.db'}")
    trial, stored = study.ask(), []
    trial.storage.set_trial_param = lambda *_: stored.append(trial.user_attrs)  # type: ignore[method-assign]
    with Claims(study, Space.of({"width": [4, 5]})).claim(trial):
        assert [BY in attributes for attributes in stored] == [True]


def test_who_does_not_say_whose_it_is_is_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hrnet_graph.search.claims.HEARTBEAT", 0.5)
    spec, storage = hg.load_spec(NAME), str(tmp_path / "s.db")
    space = {"width": [4, 8, 12]}
    assert search(spec, space, trials=1, storage=storage).finished == 1
    study = optuna.load_study(study_name=NAME, storage=f"sqlite:///{storage}")
    trying(study, "12", Space.of(space).labels["width"])
    assert search(spec, space, storage=storage).exhausted


def test_what_a_process_that_ended_was_trying_is_lost(tmp_path: Path) -> None:
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 's.db'}")
    space = Space.of({"width": [4, 5]})
    claims = Claims(study, space)
    trial = study.ask({"width": CategoricalDistribution(space.labels["width"])})
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    now = time.time()
    for sign, is_busy in (
        (f"{socket.gethostname()} {os.getpid()} {now:.0f}", True),
        (f"{socket.gethostname()} {ended.pid} {now:.0f}", False),
        (f"elsewhere {ended.pid} {now:.0f}", True),
        (f"elsewhere {ended.pid} {now - 3 * HEARTBEAT:.0f}", False),
    ):
        trial.set_user_attr(BY, sign)
        assert bool(claims.busy()) == is_busy


@pytest.mark.parametrize("sign", ["elsewhere 1 9999999999", "elsewhere 1 nan", "somebody", ""])
def test_who_says_nothing_new_is_lost_whatever_the_clocks_say(
    sign: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = 0
    clock = SimpleNamespace(time=time.time, monotonic=lambda: 1_000 + passed)
    monkeypatch.setattr("hrnet_graph.search.claims.time", clock)
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 's.db'}")
    space = Space.of({"width": [4, 5]})
    claims = Claims(study, space)
    trial = study.ask({"width": CategoricalDistribution(space.labels["width"])})
    trial.set_user_attr(BY, sign)
    assert claims.busy()
    trial.set_user_attr(BY, f"elsewhere 1 {time.time() + 9_000:.0f}")
    passed += 3 * HEARTBEAT
    assert claims.busy()  # it was heard of meanwhile
    passed += 3 * HEARTBEAT
    assert not claims.busy()


def test_who_gives_way_lets_more_time_pass_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or many that want the last points give way to each other again and again."""
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 's.db'}")
    space, slept = Space.of({"width": [4, 5]}), list[float]()
    monkeypatch.setattr("hrnet_graph.search.claims.random.uniform", lambda _, most: most)
    monkeypatch.setattr("hrnet_graph.search.claims.time.sleep", slept.append)
    claims, row = Claims(study, space), space.labels["width"]
    trying(study, "4", row)
    tries = claims.until(2)
    for label in ("4", "4", "4", "5"):
        assert next(tries) == {("4",)}
        trial = trying(study, label, row)
        if label == "4":
            with pytest.raises(TakenError), claims.claim(trial):
                raise AssertionError
        else:
            with claims.claim(trial):
                pass
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    next(tries)
    assert slept == [0.05, 0.1, 0.2, 0]


def test_of_what_others_began_only_what_is_lost_is_tried(tmp_path: Path) -> None:
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 's.db'}")
    space = Space.of({"width": [4, 5]})
    for label in space.labels["width"]:
        trying(study, label, space.labels["width"])
    study.sampler = sampler = Untried(space, walk=True, seed=0)
    sampler.busy = {("4",)}
    for _ in range(8):
        trial = study.ask({"width": CategoricalDistribution(space.labels["width"])})
        assert trial.params == {"width": "5"}


def test_a_storage_that_fails_for_a_moment_makes_nobody_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hrnet_graph.search.claims.HEARTBEAT", 0.02)
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 's.db'}")
    with Claims(study, Space.of({"width": [4, 5]})).claim(trial := study.ask()):
        said = list[str]()

        def locked(name: str, sign: str) -> None:
            said.append(sign)
            raise OSError("database is locked")

        monkeypatch.setattr(trial, "set_user_attr", locked)
        time.sleep(0.3)
        assert len(said) > 1
