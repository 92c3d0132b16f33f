"""Settings by turns: who is clearly behind leaves, and variants of who stays come in."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from hrnet_graph.engines.choice import Setting, Trial

EARLY = 3
"""After so many turns one that is clearly behind leaves, and variants of the others come in."""

TURNS = 12
"""How many turns one has at most."""

BEHIND = 1.5
"""So many times as long as the best is clearly behind."""

ANYHOW = 1.2
"""Who comes as near as that in any run is not behind but disturbed."""

FAR_BEHIND = 4.0
"""So many times as long in its first turn is far enough behind to leave at once."""

TURN = 0.1
"""How long a turn may take, in seconds; it has from one to `RUNS` runs that count."""

RUNS = 50

FIRST, MORE = 0.7, 0.85
"""By which part of the time the last one is started, of the first and of their variants."""


class Runner(Protocol):
    """A setting that is ready to run: `error` says why it is not."""

    error: str
    difference: float | None

    def run(self) -> float:
        """Runs a batch, and says how long that took, in seconds; anything if there is an error."""
        ...

    def close(self) -> None:
        """Ends it, whatever it is doing."""
        ...


Start = Callable[[Setting, float | None], Runner]
"""Makes a setting ready, in so many seconds at most."""


@dataclass
class _Entry:
    setting: Setting
    runner: Runner | None
    begun: int
    error: str = ""
    late: bool = False
    left: bool = False
    runs: int = 1
    seconds: list[float] = field(default_factory=list)
    fastest: float = math.inf

    @property
    def is_in(self) -> bool:
        return not self.left and not self.error

    def turn(self) -> None:
        """One run that does not count, and some that do; their median counts."""
        assert self.runner is not None
        first = self.runner.run()
        if not self.seconds:
            self.runs = max(1, min(RUNS, round(TURN / max(first, 1e-9))))
        times = [self.runner.run() for _ in range(self.runs)]
        self.error = self.runner.error
        if not self.error:
            self.seconds.append(statistics.median(times))
            self.fastest = min(self.fastest, *times)

    def leave(self) -> None:
        self.left = not self.error
        if self.runner is not None:
            self.runner.close()

    def trial(self) -> Trial:
        return Trial(
            setting=self.setting,
            begun=self.begun,
            seconds=() if self.error else tuple(self.seconds),
            least=self.fastest if self.seconds and not self.error else None,
            difference=self.runner.difference if self.runner else None,
            left=self.left,
            late=self.late,
            error=self.error,
        )


def hold(
    first: Iterable[Setting],
    variants: Callable[[Setting], Iterable[Setting]],
    start: Start,
    load: Callable[[], AbstractContextManager[object]],
    clock: Callable[[], float],
    seconds: float,
) -> tuple[Trial, ...]:
    """Tries settings by turns under a load, in about so many seconds, and what may be better.

    The very first has what time it needs to start, and each that starts has one turn at least.
    """
    begin = clock()
    entries: list[_Entry] = []
    _enter(entries, first, start, clock, begin + FIRST * seconds, 0)
    with load():
        turn = _take_turns(entries, range(EARLY), clock, begin + seconds)
    lasting = [entry for entry in entries if entry.is_in and entry.seconds]
    lasting.sort(key=lambda entry: statistics.median(entry.seconds))
    more = [new for entry in lasting for new in variants(entry.setting)]
    _enter(entries, more, start, clock, begin + MORE * seconds, turn)
    with load():
        _take_turns(entries, range(turn, TURNS + EARLY), clock, begin + seconds)
    for entry in entries:
        if entry.runner is not None:
            entry.runner.close()
    return tuple(entry.trial() for entry in entries)


def _enter(
    entries: list[_Entry],
    settings: Iterable[Setting],
    start: Start,
    clock: Callable[[], float],
    end: float,
    turn: int,
) -> None:
    """Starts some, one after another, while there is time."""
    for setting in settings:
        left = end - clock() if entries else None
        if left is not None and left <= 0:
            entries.append(_Entry(setting, None, turn, "no time was left to try it", late=True))
            continue
        runner = start(setting, left)
        late = bool(runner.error) and left is not None and clock() >= end
        entries.append(_Entry(setting, runner, turn, runner.error, late))
        if runner.error:
            runner.close()


def _take_turns(entries: list[_Entry], turns: range, clock: Callable[[], float], end: float) -> int:
    """Lets all have their turns until the time is up, and says which turn would be the next."""
    for turn in turns:
        running = [entry for entry in entries if entry.is_in]
        if len(running) < 2 and turn >= EARLY:
            return turn
        if clock() >= end and all(entry.seconds for entry in running):
            return turn
        for entry in running:
            entry.turn()
        _leave(entries)
    return turns.stop


def _leave(entries: list[_Entry]) -> None:
    """Lets those leave that failed, and those that are behind the best of their last turns."""
    running = [entry for entry in entries if entry.is_in]
    for entry in entries:
        if entry.error and entry.seconds:
            entry.leave()
    if not running:
        return
    leader = min(running, key=lambda entry: statistics.median(entry.seconds[-EARLY:]))
    for entry in running:
        common = min(len(entry.seconds), len(leader.seconds))
        limit = BEHIND if common >= EARLY else FAR_BEHIND
        if entry.trial().ratio(leader.trial()) > limit and entry.fastest > ANYHOW * leader.fastest:
            entry.leave()
