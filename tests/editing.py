"""`hrnet-graph edit` as a process of its own, and pages that talk to it as a browser would."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
import yaml
from plugged import lay_out_package
from small import SMALL

pytest.importorskip("websockets", reason="the page's socket is of websockets")

from websockets.sync.client import ClientConnection, connect

TEXT = yaml.safe_dump(SMALL)

BLOCKS = '''
"""Blocks that nobody should write."""

import os
import signal
import time


def hang(b, x, channels):
    """Never ends."""
    while True:
        time.sleep(0.1)


def die(b, x, channels):
    """Ends the process."""
    os._exit(3)


def vanish(b, x, channels):
    """Is killed, as by a system without memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def hoard(b, x, channels):
    """Takes all memory."""
    kept = []
    while True:
        kept.append(bytearray(1 << 28))


def raising(b, x, channels):
    """Has a fault."""
    raise OSError("out of order")


def held(b, x, channels):
    """Waits for a file."""
    open("begun", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
    return x


def chatter(b, x, channels):
    """Prints what is no reply."""
    print("{}" * 10, flush=True)
    os.write(1, b"null\\n")
    return x
'''

NAMES = ("hang", "die", "vanish", "hoard", "raising", "chatter", "held")


def with_blocks(folder: Path) -> dict[str, str]:
    """A package of hostile blocks, and the environment in which it is installed."""
    points = "".join(f"{name} = blocks_of_others:{name}\n" for name in NAMES)
    lay_out_package(
        folder, "others", f"[hrnet_graph.blocks]\n{points}", {"blocks_of_others": BLOCKS}
    )
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


def hostile(block: str) -> str:
    """A spec with such a block."""
    return TEXT.replace("block: basic", f"block: {block}")


SLOWLY = """
from hrnet_graph.editor import changes

changes.QUIET = changes.PATIENCE = 1.0

from hrnet_graph.cli.main import main

main()
"""
"""A start of the command line that gives whoever writes a file more time than machines take."""


def write_slowly(path: Path, text: str) -> None:
    """Writes a file as nobody should: it is empty for a while, and then half of what it will be."""
    with path.open("w") as file:
        for part in (text[: len(text) // 2 - 3], text[len(text) // 2 - 3 :]):
            file.flush()
            time.sleep(0.15)
            file.write(part)


def replace_slowly(path: Path, text: str) -> None:
    """Writes a file again that is not there for a while."""
    path.unlink()
    time.sleep(0.15)
    path.write_text(text)


class Page:
    """One open page: a socket, and what came by it without being asked for."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        self._id = 0

    def send(self, **request: object) -> int:
        self._id += 1
        self.socket.send(json.dumps({"id": self._id, **request}))
        return self._id

    def wait(self, number: int, seconds: float = 30) -> dict[str, Any]:
        """The reply to a request."""
        while True:
            reply = json.loads(self.socket.recv(seconds))
            if "event" not in reply:
                assert reply["id"] == number, reply
                return dict(reply)
            self.events.append(reply)

    def ask(self, **request: object) -> dict[str, Any]:
        return self.wait(self.send(**request))

    def check(self, text: str) -> dict[str, Any]:
        return self.ask(do="check", text=text, view="figure")

    def event(self, seconds: float = 10) -> dict[str, Any]:
        """The next thing that the server says by itself."""
        if self.events:
            return self.events.pop(0)
        return dict(json.loads(self.socket.recv(seconds)))


class Editing:
    """The running command; it is ended in any case."""

    def __init__(
        self, path: Path, *options: str, env: Mapping[str, str] | None = None, start: str = ""
    ) -> None:
        begin = ["-c", start] if start else ["-m", "hrnet_graph"]
        self.process = subprocess.Popen(
            [sys.executable, *begin, "edit", str(path), "--no-browser", "--json", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
        )
        assert self.process.stdout is not None
        said = ""
        while not said.endswith("}\n"):
            line = self.process.stdout.readline()
            assert line, self.process.communicate()[1]
            said += line
        self.url = str(json.loads(said)["url"])
        parts = urlsplit(self.url)
        self.host, self.folder, self.token = parts.netloc, parts.path, parts.query
        self.cookie = f"hrnet-graph={self.token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def get(
        self, target: str, headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers and body of an answer."""
        connection = http.client.HTTPConnection(self.host, timeout=10)
        connection.request(method, target, headers=dict(headers or {}))
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, dict(answer.getheaders()), body

    @contextmanager
    def page(self, **headers: str) -> Iterator[Page]:
        """A page with the token; `headers` take the place of its own."""
        given = {"Cookie": self.cookie, "Origin": f"http://{self.host}", **headers}
        with connect(
            f"ws://{self.host}{self.folder}socket",
            additional_headers={name: value for name, value in given.items() if value},
            max_size=None,
            compression=None,
        ) as socket:
            yield Page(socket)

    def end(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Exit code and standard error after a signal."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self, seconds: float = 15) -> tuple[int, str]:
        """Exit code and standard error, once it ends by itself."""
        _, said = self.process.communicate(timeout=seconds)
        return self.process.returncode, said

    @property
    def workers(self) -> list[int]:
        """The processes that it started."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]


def eventually(is_so: Callable[[], object], seconds: float = 10) -> bool:
    """Whether something comes true in time."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        threading.Event().wait(0.05)
    return True
