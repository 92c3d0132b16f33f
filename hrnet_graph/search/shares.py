"""Work in shares, on processes of which each has a line of its own, so that none waits for another.

A process that ends before its time is an error, whatever it was doing; all end with who asked.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from hrnet_graph.errors import HRNetGraphError

Result = TypeVar("Result")

Work = Callable[[int, int], Sequence[Result]]
"""The results of a share, from its first to behind its last."""


def results(work: Work[Result], total: int, share: int, processes: int) -> Iterator[Result]:
    """All `total` results in order, found in shares of so many by so many processes.

    Raises what `work` does, and `HRNetGraphError` for a process that ended without an answer.
    """
    shares = iter(range(0, total, share))
    at_work: dict[Connection, int] = {}
    found: dict[int, Sequence[Result]] = {}

    def ask(line: Connection) -> None:
        if (first := next(shares, None)) is not None:
            with suppress(OSError):  # its end is seen when it is to answer
                line.send((first, min(first + share, total)))
            at_work[line] = first

    with ExitStack() as stack:
        started = [_start(stack) for _ in range(min(processes, -(-total // share)))]
        for new in started:
            with suppress(OSError):
                new.send(work)
            ask(new)
        for first in range(0, total, share):
            while first not in found:
                for line in wait(at_work):
                    assert isinstance(line, Connection)
                    found[at_work.pop(line)] = _answer(line)
                    ask(line)
            yield from found.pop(first)


def _start(stack: ExitStack) -> Connection:
    """The line to a new process, which ends with the stack.

    It is told by the line what to do: of what it is started with it is not seen that it has ended.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    stack.enter_context(ours)
    with theirs:  # which that process alone holds then, so that its end is seen
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        process.start()
    stack.callback(_end, process)
    return ours


def _end(process: BaseProcess) -> None:
    process.kill()  # one that is stopped ends, too
    process.join()


def _answer(line: Connection) -> Any:
    """What a process has found. Raises it, if it is an error."""
    try:
        found = line.recv()
    except (EOFError, OSError):
        what = "a process that counts ended before its time, perhaps for want of memory"
        raise HRNetGraphError(what, "run it again with fewer values at a time") from None
    if isinstance(found, Exception):
        raise found
    return found


def _serve(line: Connection) -> None:
    """Works on shares as they come, until nobody is there who asks.

    What is imported by now stays, and is not looked through again and again. An interrupt is for
    who asked, and ends this.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, OSError):
        work: Work[Any] = line.recv()
        gc.freeze()
        while True:
            first, last = line.recv()
            try:
                found: Any = work(first, last)
            except Exception as error:  # for who asked
                found = error
            line.send(found)
