"""Processes that keep processors busy while others are timed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from hrnet_graph.processes import command_of


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes, each as busy as one can be, until the end of the block."""
    with ExitStack() as stack:
        started = []
        for _ in range(count):
            process = subprocess.Popen(
                command_of(__name__), stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            stack.callback(_end, process)
            started.append(process)
        for process in started:
            assert process.stdout is not None
            process.stdout.readline()  # it says when it is at work
        yield


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def main() -> None:
    """Computes for nobody until the standard input ends, as it does with whoever started this."""
    threading.Thread(target=_wait, daemon=True).start()
    print(flush=True)
    numbers = [*range(1000)]
    while True:
        sum(numbers)


def _wait() -> None:
    sys.stdin.read()
    os._exit(0)
