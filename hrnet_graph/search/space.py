"""The points of a space of variants, and which of them a search tries next: never one twice."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from random import Random
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)

Point = tuple[str, ...]
"""One value for each key, as JSON, in the order of the keys."""


@dataclass(frozen=True)
class Space:
    """The different values to try for each key, as the JSON that a storage holds."""

    labels: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, vary: Mapping[str, Sequence[Any]]) -> Space:
        """The space of some values; one that is given twice is one."""
        return cls({key: tuple(dict.fromkeys(map(json.dumps, row))) for key, row in vary.items()})

    @property
    def size(self) -> int:
        """How many points there are."""
        return math.prod(map(len, self.labels.values()))

    def point(self, number: int) -> Point:
        """The point of a number below `size`; the last key changes first."""
        found = []
        for row in reversed([*self.labels.values()]):
            number, i = divmod(number, len(row))
            found.append(row[i])
        return tuple(reversed(found))

    def points(self) -> Iterator[Point]:
        """All points, in order."""
        return map(self.point, range(self.size))

    def random_except(self, seen: AbstractSet[Point], random: Random) -> Point | None:
        """A point that is not among those seen, or None if they are all."""
        if 2 * len(seen) > self.size:
            left = [point for point in self.points() if point not in seen]
            return random.choice(left) if left else None
        while (point := self.point(random.randrange(self.size))) in seen:
            pass
        return point

    def seen(self, study: Study, *states: TrialState) -> set[Point]:
        """The points of a study's trials in some states."""
        return self.points_of(study.get_trials(deepcopy=False, states=states))

    def points_of(self, trials: Iterable[FrozenTrial]) -> set[Point]:
        """The points of trials, those alone that have one yet."""
        whole = (trial.params for trial in trials if self.labels.keys() <= trial.params.keys())
        return {tuple(params[key] for key in self.labels) for params in whole}


class Untried(BaseSampler):
    """Chooses points that were not tried: in order if all will be, else as TPE says, or at random.

    What others began is left to them until nothing else is left: they may have been stopped. What
    some are known to be trying, `busy`, is left to them then, too; where several walk in order and
    meet, each goes its own way.
    """

    def __init__(self, space: Space, walk: bool, seed: int | None) -> None:
        self._space = space
        self._walk = walk
        self.busy: AbstractSet[Point] = frozenset()
        self._random = Random(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            self._guide = TPESampler(seed=seed, multivariate=True)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Every key: a point is chosen as a whole."""
        return {key: CategoricalDistribution(row) for key, row in self._space.labels.items()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The point to try."""
        done = self._space.seen(study, *FINISHED)
        point = self._choose(study, trial, search_space, done)
        if point is None:  # others finished the last ones meanwhile
            study.stop()
            point = self._space.point(0)
        return dict(zip(self._space.labels, point, strict=True))

    def _choose(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
        done: set[Point],
    ) -> Point | None:
        seen = done | self._space.seen(study, TrialState.RUNNING)
        if len(seen) == self._space.size:
            return self._space.random_except(done | self.busy, self._random)
        if self._walk and not self.busy:
            return next(point for point in self._space.points() if point not in seen)
        if self._walk:
            return self._space.random_except(seen, self._random)
        guess = self._guide.sample_relative(study, trial, search_space)
        point = tuple(str(guess[key]) for key in self._space.labels if key in guess)
        fresh = len(point) == len(self._space.labels) and point not in seen
        return point if fresh else self._space.random_except(seen, self._random)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """What Optuna asks for a key of no point, which there is none of."""
        raise KeyError(param_name)
