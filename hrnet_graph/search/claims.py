"""Who tries which variant: of several processes and machines that share a storage, one each."""

from __future__ import annotations

import os
import random
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from optuna import Study, Trial
from optuna.trial import FrozenTrial, TrialState

from hrnet_graph.files import runs
from hrnet_graph.search.space import FINISHED, Point, Space

HEARTBEAT = 60
"""Seconds; who says nothing for twice as long counts as lost, and what it tried is tried again."""

PAUSE = 0.05
"""Seconds that who gave way, or waits for others, lets pass."""

LONGEST = 256 * PAUSE
"""The most that who gave way lets pass: of many that want the last points, each time twice as long,
or they would give way to each other again and again.
"""

BY = "by"
"""The attribute of a trial that says who tries it: host, process, and when it was last heard of."""

_SIGN = re.compile(r"(.*) ([0-9]{1,9}) ([0-9]{1,12})")


class TakenError(Exception):
    """A variant that somebody else tries, or has tried meanwhile."""


class Claims:
    """What is being tried of a space in a study."""

    def __init__(self, study: Study, space: Space) -> None:
        self._study, self._space = study, space
        self._heard: dict[tuple[int, str], float] = {}
        self._pause = 0.0

    def busy(self) -> set[Point]:
        """The points that somebody is trying."""
        trials = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return self._space.points_of(trial for trial in trials if not self._is_lost(trial))

    def until(self, aim: int) -> Iterator[set[Point]]:
        """The points that others are trying, each time that one more is wanted: until so many are
        finished. It waits while others are trying the last ones, and where this one gave way.
        """
        while len(done := self._space.seen(self._study, *FINISHED)) < aim:
            busy = self.busy()
            if len(done | busy) < aim:
                yield busy
                time.sleep(random.uniform(0, self._pause))
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
        others = (each for each in trials if each.number != trial.number)
        if point in self._space.points_of(each for each in others if not self._is_lost(each)):
            self._pause = min(max(PAUSE, 2 * self._pause), LONGEST)
            raise TakenError
        self._pause = 0.0
        done = Event()
        beat = Thread(target=_beat, args=(trial, done), daemon=True)
        beat.start()
        try:
            yield point
        finally:
            done.set()
            beat.join()

    def _is_lost(self, trial: FrozenTrial) -> bool:
        """Whether who tried it has ended, or has not been heard of for long: since it was begun, if
        nothing says whose it is.

        Clocks differ, and are set: one that says nothing new as long as that here is lost, too.
        """
        if trial.state is not TrialState.RUNNING:
            return False
        sign = str(trial.user_attrs.get(BY, ""))
        if signed := _SIGN.fullmatch(sign):
            if signed[1] == socket.gethostname() and not runs(int(signed[2])):
                return True
            last = float(signed[3])
        else:
            last = trial.datetime_start.timestamp() if trial.datetime_start else 0
        now = time.monotonic()
        silent = now - self._heard.setdefault((trial.number, sign), now)
        return max(time.time() - last, silent) > 2 * HEARTBEAT


def _beat(trial: Trial, done: Event) -> None:
    """Says now and then that a trial is not lost."""
    while not done.wait(HEARTBEAT / 2):
        with suppress(Exception):  # a storage that fails for a moment: the next time tells
            trial.set_user_attr(BY, _sign())


def _sign() -> str:
    return f"{socket.gethostname()} {os.getpid()} {time.time():.0f}"
