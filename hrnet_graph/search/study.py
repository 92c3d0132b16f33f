"""A walk through a space of variants under limits, with Optuna. Needs the extra `search`."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Any, cast

from hrnet_graph.choices import Direction
from hrnet_graph.errors import HRNetGraphError, SpecError, error_line, quoted
from hrnet_graph.search.sweep import check_keys, figures
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.schema import Spec

try:
    import optuna
except ImportError:
    raise HRNetGraphError("searching needs Optuna", "pip install 'hrnet-graph[search]'") from None

Objective = Callable[[Spec], float | Sequence[float]]
"""What is sought, of a spec: a number, or several."""

Condition = Callable[[Mapping[str, Any]], bool]

HEARTBEAT = 60
"""Seconds after which a trial whose machine is silent counts as lost, and is tried again."""

PRUNED = optuna.trial.TrialState.PRUNED
FINISHED = (optuna.trial.TrialState.COMPLETE, PRUNED)


@dataclass(frozen=True)
class Winner:
    """A variant that no other one beats: its values, its objective's, and its spec."""

    values: Mapping[str, Any]
    objective: tuple[float, ...]
    spec: Spec


@dataclass(frozen=True)
class Outcome:
    """What a search came to: trials finished in all (earlier runs included), and the winners."""

    finished: int
    refused: int
    winners: tuple[Winner, ...]

    def rows(self) -> list[dict[str, Any]]:
        """The values and the objectives of every winner."""
        return [
            {**winner.values, **{f"objective {i}": x for i, x in enumerate(winner.objective)}}
            for winner in self.winners
        ]

    def as_dict(self) -> dict[str, Any]:
        """The outcome as plain data for JSON."""
        winners = [{"values": dict(w.values), "objective": w.objective} for w in self.winners]
        return {"finished": self.finished, "refused": self.refused, "winners": winners}


def read_objective(name: str) -> Objective:
    """`module:function` as a callable. Raises `HRNetGraphError` if it is none."""
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise HRNetGraphError(f"expected an objective as module:function, got {quoted(name)}")
    try:
        found = getattr(import_module(module), attribute)
    except Exception as error:  # importing runs the user's module, which may fail in any way
        raise HRNetGraphError(
            f"the objective {quoted(name)} cannot be loaded: {error_line(error)}"
        ) from None
    if not callable(found):
        raise HRNetGraphError(f"the objective {quoted(name)} is no function")
    return cast(Objective, found)


def search(
    spec: Spec,
    vary: Mapping[str, Sequence[Any]],
    *,
    trials: int,
    storage: str,
    directions: Sequence[Direction] = (),
    objective: Objective | None = None,
    where: Condition | None = None,
    seed: int | None = None,
) -> Outcome:
    """Tries variants until `trials` are finished in all, and returns those that nothing beats.

    The objective is params and MACs unless one is given, and the less of each number the better
    unless `directions` say otherwise. A variant that makes no network, or for
    which `where` does not hold, is refused. `storage` is a file, or a URL as Optuna takes it: a
    search that was stopped goes on there, and several machines may share it.

    Raises `HRNetGraphError` if the objective raises, or the storage holds another search.
    """
    check_keys(spec, vary)
    directions = directions or (("minimize",) if objective else ("minimize", "minimize"))
    if objective is None and len(directions) != 2:
        raise HRNetGraphError(f"params and MACs take two directions, got {len(directions)}")
    labels = {key: [json.dumps(value) for value in values] for key, values in vary.items()}

    def attempt(trial: optuna.Trial) -> tuple[float, ...]:
        chosen = {key: trial.suggest_categorical(key, row) for key, row in labels.items()}
        found = _evaluate(spec, _values(chosen), objective, where)
        return _check(found, len(directions))

    with _quiet():
        study = _study(spec, vary, storage, directions, seed)
        while (left := trials - _count(study, *FINISHED)) > 0:
            study.optimize(attempt, n_trials=left)
    best = {tuple(trial.params.items()): trial for trial in study.best_trials}
    winners = tuple(_winner(spec, trial) for trial in best.values())
    return Outcome(_count(study, *FINISHED), _count(study, PRUNED), winners)


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna without its reports, as loud as it was before afterwards."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _study(
    spec: Spec,
    vary: Mapping[str, Sequence[Any]],
    storage: str,
    directions: Sequence[Direction],
    seed: int | None,
) -> optuna.Study:
    is_file = "://" not in storage
    if is_file and not set("?#").isdisjoint(storage):
        raise HRNetGraphError(f"expected a storage file without '?' and '#', got {quoted(storage)}")
    url = f"sqlite:///{Path(storage).resolve()}" if is_file else storage
    space = json.dumps({"spec": spec.dump(), "vary": vary}, sort_keys=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            backend = optuna.storages.RDBStorage(url, heartbeat_interval=HEARTBEAT)
        study = optuna.create_study(
            study_name=spec.name,
            storage=backend,
            sampler=optuna.samplers.TPESampler(seed=seed),
            directions=list(directions),
            load_if_exists=True,
        )
    except Exception as error:  # of Optuna, SQLAlchemy or the database's own driver
        raise HRNetGraphError(
            f"the storage {quoted(storage, 200)} cannot be used: {error_line(error)}"
        ) from None
    stored = study.user_attrs.get("space")
    if stored is None:
        study.set_user_attr("space", space)
    elif stored != space or len(study.directions) != len(directions):
        raise HRNetGraphError(
            f"the storage {quoted(storage, 200)} holds a search of another spec or space",
            "give another storage, or the spec and the values that it was started with",
        )
    return study


def _evaluate(
    spec: Spec, values: Mapping[str, Any], objective: Objective | None, where: Condition | None
) -> float | Sequence[float]:
    """The objective of one variant. Raises `TrialPruned` for one that is refused."""
    try:
        variant = load_spec(spec, values)
        found = figures(variant)
    except SpecError:
        raise optuna.TrialPruned from None
    if where is not None and not where({**values, **found}):
        raise optuna.TrialPruned
    if objective is None:
        return (found["params"], found["macs"])
    try:
        return objective(variant)
    except Exception as error:  # the objective is the user's code
        reason = str(error).partition("\n")[0]
        raise HRNetGraphError(f"the objective raised {type(error).__name__}: {reason}") from error


def _check(found: float | Sequence[float], count: int) -> tuple[float, ...]:
    """As many finite numbers as there are directions. Raises `HRNetGraphError` for others."""
    values = tuple(found) if isinstance(found, Sequence) else (found,)
    if len(values) != count or not all(isinstance(v, int | float) and isfinite(v) for v in values):
        expected = "a finite number" if count == 1 else f"{count} finite numbers"
        raise HRNetGraphError(f"expected {expected} of the objective, got {quoted(found)}")
    return values


def _count(study: optuna.Study, *states: optuna.trial.TrialState) -> int:
    return len(study.get_trials(deepcopy=False, states=states))


def _winner(spec: Spec, trial: optuna.trial.FrozenTrial) -> Winner:
    values = _values(trial.params)
    return Winner(values, tuple(trial.values or ()), load_spec(spec, values))


def _values(labels: Mapping[str, str]) -> dict[str, Any]:
    """What was chosen for each key, from the JSON that the storage holds."""
    return {key: json.loads(label) for key, label in labels.items()}
