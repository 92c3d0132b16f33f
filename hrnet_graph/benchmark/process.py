"""The near end of a worker process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

START = """
import sys
sys.path[:] = sys.argv[1:]
from hrnet_graph.benchmark.worker import main
main()
"""

KILLED = -9
"""What a process that was killed ends with."""


class FailedError(Exception):
    """A worker's own account of what went wrong."""


class Worker:
    """A process that runs one candidate, as `worker.py` says; close it whatever happens.

    What the process prints goes to the file `errors`.
    """

    def __init__(self, errors: Path) -> None:
        self._errors = errors
        with errors.open("wb") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", START, *_search_path()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
            )

    def send(self, line: str) -> None:
        """Sends one line. Raises `FailedError` if nobody is there."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._death() from None

    def answer(self) -> dict[str, Any]:
        """Its next line. Raises `FailedError` for an error, or if it is dead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._death()
        facts: dict[str, Any] = json.loads(line)
        if "error" in facts:
            raise FailedError(facts["error"])
        return facts

    def ask(self, order: str) -> dict[str, Any]:
        """Sends an order and waits for the answer."""
        self.send(order)
        return self.answer()

    def _death(self) -> FailedError:
        code = self._process.wait()
        last = self._errors.read_text(errors="replace").strip().splitlines()[-1:]
        want = "was killed, perhaps for want of memory"
        end = want if code == KILLED else f"ended with code {code}"
        return FailedError(": ".join([f"the process {end}", *last]))

    def close(self) -> None:
        """Ends the process, whatever it is doing."""
        self._process.kill()
        self._process.communicate()


def _search_path() -> list[str]:
    """Where a worker looks for modules: as we do, in the working folder last.

    A file there that is called like a module of Python's would otherwise be run in its place.
    """
    here = str(Path.cwd())
    if Path(__file__).is_relative_to(Path(here, "hrnet_graph")):
        return sys.path  # we are a checkout's, and it is ours
    return [*(path for path in sys.path if path not in ("", here)), here]
