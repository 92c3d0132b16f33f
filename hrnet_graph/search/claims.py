"""Who tries which variant: of several processes and machines that share a storage, one each."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from optuna import Study, Trial
from optuna.trial import FrozenTrial, TrialState

from hrnet_graph.files import runs
from hrnet_graph.search.space import FINISHED, Point, Space

HEARTBEAT = 60
"""Seconds after which a trial whose machine is silent counts as lost, and is tried again."""

PAUSE = 0.05
"""Seconds that who gave way, or waits for others, lets pass."""

BY = "by"
"""The attribute of a trial that says who tries it: host, process, and when it was last heard of."""


class TakenError(Exception):
    """A variant that somebody else tries, or has tried meanwhile."""


class Claims:
    """What is being tried of a space in a study."""

    def __init__(self, study: Study, space: Space) -> None:
        self._study, self._space = study, space

    def busy(self) -> set[Point]:
        """The points that somebody is trying."""
        trials = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return self._space.points_of(trial for trial in trials if not _is_lost(trial))

    def until(self, aim: int) -> Iterator[bool]:
        """Whether others are trying points, each time that one more is wanted: until so many are
        finished. It waits while others are trying the last ones.
        """
        while len(done := self._space.seen(self._study, *FINISHED)) < aim:
            busy = self.busy()
            if len(done | busy) < aim:
                yield bool(busy)
            else:
                time.sleep(PAUSE)

    @contextmanager
    def claim(self, trial: Trial) -> Iterator[Point]:
        """Holds the point that a trial chooses while it is tried.

        Who tries it is stored before what: one that is stopped in between holds nothing. Of two
        that choose one point, each stores it first and looks for others then, so that at least one
        sees the other, and gives way. Raises `TakenError`.
        """
        trial.set_user_attr(BY, _sign())
        rows = self._space.labels.items()
        point = tuple(str(trial.suggest_categorical(key, row)) for key, row in rows)
        trials = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING, *FINISHED))
        others = (each for each in trials if each.number != trial.number and not _is_lost(each))
        if point in self._space.points_of(others):
            time.sleep(random.uniform(0, PAUSE))
            raise TakenError
        done = Event()
        beat = Thread(target=_beat, args=(trial, done), daemon=True)
        beat.start()
        try:
            yield point
        finally:
            done.set()
            beat.join()


def _beat(trial: Trial, done: Event) -> None:
    """Says now and then that a trial is not lost."""
    while not done.wait(HEARTBEAT / 2):
        trial.set_user_attr(BY, _sign())


def _sign() -> str:
    return f"{socket.gethostname()} {os.getpid()} {time.time():.0f}"


def _is_lost(trial: FrozenTrial) -> bool:
    """Whether who tried it has ended, or has not been heard of for long: since it was begun, if
    nothing says whose it is.
    """
    if trial.state is not TrialState.RUNNING:
        return False
    if BY in trial.user_attrs:
        host, process, heard = str(trial.user_attrs[BY]).rsplit(" ", 2)
        if host == socket.gethostname() and not runs(int(process)):
            return True
        last = float(heard)
    else:
        last = trial.datetime_start.timestamp() if trial.datetime_start else 0
    return time.time() - last > 2 * HEARTBEAT
