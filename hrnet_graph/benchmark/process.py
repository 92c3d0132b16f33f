"""The near end of a worker process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hrnet_graph.processes import command_of

KILLED = -9
"""What a process that was killed ends with."""


class Worker:
    """A process that runs one candidate, as `worker.py` says; close it whatever happens.

    Its files begin with `place`: what the process prints, and `outputs`, which it may save.
    """

    def __init__(self, place: Path, environment: Mapping[str, str] | None = None) -> None:
        self.answers: list[dict[str, Any]] = []
        self.outputs = place.with_suffix(".npz")
        self._limit = ""
        self._errors = place.with_suffix(".txt")
        with self._errors.open("wb") as stream:
            self._process = subprocess.Popen(
                command_of("hrnet_graph.benchmark.worker"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                env=environment,
                process_group=0,  # what it starts ends with it
            )

    @property
    def error(self) -> str:
        """What it failed of, if it did; it is asked nothing more then."""
        return str(self.answers[-1].get("error", "")) if self.answers else ""

    def ask(self, order: str = "", seconds: float | None = None) -> None:
        """Adds the answer to an order, or else the next one, to `answers`: facts, or an error.

        A process that takes longer than so many seconds is ended.
        """
        if self.error:
            return
        timer = threading.Timer(seconds or 0, self._give_up, (seconds,))
        if seconds is not None:
            timer.start()
        try:
            self._ask(order)
        finally:
            timer.cancel()

    def _give_up(self, seconds: float) -> None:
        self._limit = f"was not ready in {seconds:.0f} s"
        self._kill()

    def _ask(self, order: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = ""
        with suppress(BrokenPipeError):
            if order:
                self._process.stdin.write(order + "\n")
                self._process.stdin.flush()
            line = self._process.stdout.readline()
        self.answers.append(json.loads(line) if line else {"error": self._death()})

    def _death(self) -> str:
        code = self._process.wait()
        if self._limit:
            return self._limit
        last = self._errors.read_text(errors="replace").strip().splitlines()[-1:]
        want = "was killed, perhaps for want of memory"
        end = want if code == KILLED else f"ended with code {code}"
        return ": ".join([f"the process {end}", *last])

    def close(self) -> None:
        """Ends the process and what it started, whatever it is doing."""
        self._kill()
        self._process.communicate()

    def _kill(self) -> None:
        """Ends them: what it started may hold its output open, which would be read without end."""
        if os.name != "posix":
            self._process.kill()
        else:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
