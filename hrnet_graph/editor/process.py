"""The near end of the worker process: one request at a time, held to a time, started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hrnet_graph.editor.limits import ANSWER_SECONDS, MAX_REPLY, MEMORY, START_SECONDS
from hrnet_graph.errors import HRNetGraphError, error_line
from hrnet_graph.files import State
from hrnet_graph.processes import command_of


class WorkerError(HRNetGraphError):
    """A request that got no answer, told in a sentence."""


@dataclass(frozen=True)
class Answer:
    """The reply to a request, as JSON text, and the files that it was read from, as they were."""

    text: str
    files: Mapping[Path, State] = field(default_factory=dict)


class Worker:
    """A process that answers requests by `session.answer`; close it whatever happens.

    It may die of any request: that one gets a sentence, and the next one a new process.
    """

    def __init__(self, seconds: float = ANSWER_SECONDS) -> None:
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._newest: dict[Hashable, object] = {}
        self._turns: set[asyncio.Task[Answer]] = set()
        self._process: asyncio.subprocess.Process | None = None
        self._ready = False

    @property
    def pid(self) -> int | None:
        """The process, if there is one."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Starts the process, unless it is there; it is not waited for. Raises `WorkerError`."""
        if self._process is not None and self._process.returncode is not None:
            await self._end()
        if self._process is None:
            self._ready = False
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *command_of("hrnet_graph.editor.worker"),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    limit=MAX_REPLY,
                    start_new_session=True,  # Ctrl-C is for us, and what it starts ends with it
                )
            except OSError as error:
                raise WorkerError(f"no process could be started: {error_line(error)}") from None

    async def ask(self, request: dict[str, object], newest: Hashable = None) -> Answer:
        """The answer to a request, once those before it are answered.

        Of several that wait with the same `newest`, the last one alone is answered, and the others
        are told that it came. Raises `WorkerError`.
        """
        mine = object()
        if newest is not None:
            self._newest[newest] = mine
        task = asyncio.create_task(self._take_turn(request, newest, mine))
        self._turns.add(task)
        task.add_done_callback(self._turns.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)  # who asked may go, and the turn still has to end

    async def renew(self) -> None:
        """Starts the process again, which remembers what it read, once it has answered."""
        async with self._turn:
            await self._start_again()

    def forget(self, newest: Hashable) -> None:
        """Answers nothing more that waits with this `newest`."""
        self._newest.pop(newest, None)

    async def _take_turn(
        self, request: dict[str, object], newest: Hashable, mine: object
    ) -> Answer:
        async with self._turn:
            if newest is not None and self._newest.get(newest) is not mine:
                return Answer(json.dumps({"id": request.get("id"), "superseded": True}))
            return await self._ask(json.dumps(request).encode() + b"\n")

    async def _ask(self, line: bytes) -> Answer:
        try:
            await self.start()
            async with asyncio.timeout(START_SECONDS):
                self._ready = self._ready or bool(await self._read())
            async with asyncio.timeout(self._seconds):
                self._write(line)
                files = json.loads(await self._read())
                text = (await self._read()).decode().rstrip("\n")
        except TimeoutError:
            why = f"it takes longer than {self._seconds:g} s"
        except ValueError:
            why = f"what comes of it is larger than {MAX_REPLY >> 20} MB"
        except EOFError:
            why = await self._death()
        else:
            if files is None:
                await self._start_again()
            return Answer(text, {Path(file): _state(each) for file, each in (files or {}).items()})
        await self._start_again()
        raise WorkerError(f"this network could not be worked out: {why}; try a smaller one")

    def _write(self, line: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line)

    async def _read(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        return line

    async def _death(self) -> str:
        """Why the process ended."""
        assert self._process is not None
        code = await self._process.wait()
        if os.name == "posix" and code == -signal.SIGKILL:
            return f"its process was killed, perhaps for want of memory, of {MEMORY >> 30} GB"
        return f"its process ended with code {code}"

    async def _start_again(self) -> None:
        await self._end()
        with suppress(WorkerError):
            await self.start()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                if os.name == "posix":
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
        await process.wait()

    async def close(self) -> None:
        """Ends the process and what it started, whatever it is doing."""
        for task in self._turns:
            task.cancel()
        await asyncio.gather(*self._turns, return_exceptions=True)
        await self._end()


def _state(sent: list[int] | None) -> State:
    """A state as it was before it became JSON."""
    return None if sent is None else (sent[0], sent[1], sent[2])
