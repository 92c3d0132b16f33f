"""A walk through a space of variants under limits, with Optuna. Needs the extra `search`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from math import isfinite
from typing import Any, cast

import optuna

from hrnet_graph.choices import DIRECTIONS, Direction
from hrnet_graph.errors import HRNetGraphError, SpecError, error_line, quoted
from hrnet_graph.search.claims import Claims, TakenError
from hrnet_graph.search.expression import Condition
from hrnet_graph.search.figures import FIGURES, beside, figures
from hrnet_graph.search.space import FINISHED, Space, Untried
from hrnet_graph.search.storage import open_study, shown, telling_of
from hrnet_graph.search.sweep import check_keys, said
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.schema import Spec

Function = Callable[[Spec], float | Sequence[float]]
Objective = Function | Sequence[str]
"""What is sought, of a spec: a function that gives a number or several, or some of `FIGURES`."""

REASON = "reason"
"""The attribute of a trial that says why its variant makes no network."""

WALKED = 1_000
"""A space of so many points is tried whole unless a number of trials is stated."""

TRIALS = 100
"""How many points of a larger one are."""


@dataclass(frozen=True)
class Winner:
    """A variant that no other one beats: its values, its objective's, its spec and `FIGURES`."""

    values: Mapping[str, Any]
    objective: tuple[float, ...]
    spec: Spec
    figures: Mapping[str, int]


@dataclass(frozen=True)
class Outcome:
    """What a search came to: how many different variants were tried in all (earlier runs included),
    how many of them were refused, how many of those make no network, of how many that there are,
    and the winners.

    `objective` has a name for each number that was sought, `reason` says why the first that makes
    no network makes none.
    """

    finished: int
    refused: int
    broken: int
    space: int
    objective: tuple[str, ...]
    winners: tuple[Winner, ...]
    reason: str = ""

    @property
    def exhausted(self) -> bool:
        """Whether every variant was tried, so that no better one is left."""
        return self.finished == self.space

    def rows(self) -> list[dict[str, Any]]:
        """The values, the objectives and the figures of every winner."""
        return [
            dict(zip(self.objective, w.objective, strict=True)) | {**w.figures, **w.values}
            for w in self.winners
        ]

    def as_dict(self) -> dict[str, Any]:
        """The outcome as plain data for JSON."""
        winners = [
            {"values": dict(w.values), "objective": w.objective, "figures": dict(w.figures)}
            for w in self.winners
        ]
        return {
            "finished": self.finished,
            "refused": self.refused,
            "broken": self.broken,
            "space": self.space,
            "exhausted": self.exhausted,
            "objective": self.objective,
            "winners": winners,
        }


def read_objective(name: str) -> Objective:
    """`params,macs` as names of figures, `module:function` as a callable.

    Raises `HRNetGraphError` if it is neither.
    """
    names = tuple(part.strip() for part in name.split(","))
    if len(set(names) & set(FIGURES)) == len(names):
        return names
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise HRNetGraphError(
            f"expected an objective as module:function, or some of {', '.join(FIGURES)}, each once"
            f" and with commas between, got {quoted(name)}"
        )
    try:
        found = getattr(import_module(module), attribute)
    except Exception as error:  # importing runs the user's module, which may fail in any way
        raise HRNetGraphError(
            f"the objective {quoted(name)} cannot be loaded: {error_line(error)}"
        ) from None
    if not callable(found):
        raise HRNetGraphError(f"the objective {quoted(name)} is no function")
    return cast(Function, found)


def search(
    spec: Spec,
    vary: Mapping[str, Sequence[Any]],
    *,
    storage: str,
    trials: int | None = None,
    directions: Sequence[Direction] = (),
    objective: Objective = ("params", "macs"),
    where: Condition | None = None,
    seed: int | None = None,
) -> Outcome:
    """Tries variants, none twice, until `trials` are finished in all or none is left, and returns
    those that nothing beats.

    A space of at most `WALKED` variants is tried whole unless `trials` are stated. The less of each
    number of the objective the better unless `directions` say otherwise. A variant that makes no
    network, or for which `where` does not hold, is refused. `storage` is a file (a database, or
    Optuna's journal if it ends in `.journal`), or a URL as Optuna takes it: a search that was
    stopped goes on there, and several processes and machines may share it. None tries what another
    one tries.

    Raises `HRNetGraphError` if the objective raises, or the storage holds another search.
    """
    check_keys(spec, vary)
    names, directions = _sought(objective, directions)
    space = Space.of(vary)
    aim = min(space.size, trials or (space.size if space.size <= WALKED else TRIALS))
    asked = {"objective": names, "directions": directions, "where": where and where.text}

    def attempt(trial: optuna.Trial) -> tuple[float, ...]:
        with claims.claim(trial) as point:
            values = _values(dict(zip(space.labels, point, strict=True)))
            found = _evaluate(spec, trial, values, objective, where)
            return _check(found, len(directions))

    with _quiet(), telling_of(storage):
        study = _study(storage, spec, {"vary": vary, **asked}, directions)
        study.sampler = sampler = Untried(space, aim == space.size, seed)
        claims = Claims(study, space)
        for sampler.busy in claims.until(aim):
            study.optimize(attempt, n_trials=1, catch=(TakenError,))
    return _outcome(study, space, spec, names)


def _outcome(study: optuna.Study, space: Space, spec: Spec, names: tuple[str, ...]) -> Outcome:
    """What a search has come to by now."""
    best = {tuple(trial.params.items()): trial for trial in study.best_trials}
    pruned = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.PRUNED,))
    broken = [trial for trial in pruned if REASON in trial.user_attrs]
    return Outcome(
        finished=len(space.seen(study, *FINISHED)),
        refused=len(space.points_of(pruned)),
        broken=len(space.points_of(broken)),
        space=space.size,
        objective=names,
        winners=tuple(_winner(spec, trial) for trial in best.values()),
        reason=str(broken[0].user_attrs[REASON]) if broken else "",
    )


def _sought(
    objective: Objective, directions: Sequence[Direction]
) -> tuple[tuple[str, ...], Sequence[Direction]]:
    """A name and a direction for each number; none of a function's is called as a figure is."""
    if not callable(objective):
        names, count = tuple(objective), len(directions) or len(objective)
        if count != len(names):
            said = f"expected {len(names)} directions, got {count}"
            raise HRNetGraphError(f"{' and '.join(names)}: {said}")
        return names, directions or [DIRECTIONS[0]] * count
    directions = directions or [DIRECTIONS[0]]
    name = str(getattr(objective, "__name__", "objective"))
    name = f"{name} (objective)" if name in FIGURES else name
    numbers = range(len(directions))
    return (name,) if len(numbers) == 1 else tuple(f"{name} {i}" for i in numbers), directions


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
    storage: str, spec: Spec, asked: Mapping[str, Any], directions: Sequence[Direction]
) -> optuna.Study:
    """The search that a storage holds, or a new one. Raises `HRNetGraphError` for another one."""
    space = json.dumps({"spec": spec.dump(), **asked}, sort_keys=True)
    study = open_study(storage, spec.name, directions)
    stored = study.user_attrs.get("space")
    if stored is None:
        study.set_user_attr("space", space)
    elif stored != space:
        raise HRNetGraphError(
            f"the storage {shown(storage)} holds a search of another spec or space, or one"
            " for something else",
            "give another storage, or the spec, values, limits and objective it was started with",
        )
    return study


def _evaluate(
    spec: Spec,
    trial: optuna.Trial,
    values: Mapping[str, Any],
    objective: Objective,
    where: Condition | None,
) -> float | Sequence[float]:
    """The objective of one variant. Raises `TrialPruned` for one that is refused."""
    try:
        variant = load_spec(spec, values)
        found = figures(variant)
    except SpecError as error:
        trial.set_user_attr(REASON, f"{said(values)}: {error_line(error)}")
        raise optuna.TrialPruned from None
    if where is not None and not where(beside(values, found)):
        raise optuna.TrialPruned
    if not callable(objective):
        return tuple(found[name] for name in objective)
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


def _winner(spec: Spec, trial: optuna.trial.FrozenTrial) -> Winner:
    values = _values(trial.params)
    variant = load_spec(spec, values)
    return Winner(values, tuple(trial.values or ()), variant, dict(figures(variant)))


def _values(labels: Mapping[str, str]) -> dict[str, Any]:
    """What was chosen for each key, from the JSON that the storage holds."""
    return {key: json.loads(label) for key, label in labels.items()}
