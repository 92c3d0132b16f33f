"""The editor through its socket: start, latency of a key, memory over edits, size of the page.

Run as `python benchmarks/edit.py [edits]`; memory is read from /proc, so on Linux alone.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from websockets.sync.client import ClientConnection, connect

from hrnet_graph.editor.page import page_files

STARTS, KEYS = 7, 60
TEXT = "extends: hrnet_w48_cls\nwidth: 48\n"


@dataclass(frozen=True)
class Editor:
    """A running `hrnet-graph edit` and a page of it."""

    process: subprocess.Popen[str]
    socket: ClientConnection
    start: float

    def ask(self, **request: object) -> str:
        """The reply to one request, as text."""
        self.socket.send(json.dumps({"id": 1, **request}))
        return str(self.socket.recv())

    def check(self, text: str) -> str:
        """What a page asks for after a key, with the tab open that it begins with."""
        return self.ask(do="check", text=text, view="figure", start=TEXT, panels=["none"])

    def processes(self) -> tuple[int, int]:
        """The server, and its worker."""
        pid = self.process.pid
        (worker,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return pid, int(worker)

    def computed(self) -> float:
        """Seconds that a processor has worked for server and worker."""
        return sum(map(_computed, self.processes()))


def _computed(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


@contextmanager
def editor(folder: Path) -> Iterator[Editor]:
    """Starts the command and opens its page, as a browser does."""
    path = folder / "mine.yaml"
    path.write_text(TEXT)
    start = time.perf_counter()
    command = [sys.executable, "-m", "hrnet_graph", "edit", str(path), "--no-browser", "--json"]
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdout=pipe, stderr=null, text=True) as process:
        assert process.stdout is not None
        said = "".join(iter(process.stdout.readline, "}\n")) + "}"
        address = urlsplit(str(json.loads(said)["url"]))
        page = http.client.HTTPConnection(address.netloc)
        page.request("GET", f"{address.path}?{address.query}")
        cookie = str(page.getresponse().getheader("Set-Cookie")).partition(";")[0]
        with connect(
            f"ws://{address.netloc}{address.path}socket",
            additional_headers={"Cookie": cookie, "Origin": f"http://{address.netloc}"},
            max_size=None,
        ) as socket:
            yield Editor(process, socket, start)
        process.terminate()


def starts(folder: Path) -> None:
    """From the command to the first figure, cold."""
    times, work = [], []
    for _ in range(STARTS):
        with editor(folder) as found:
            text = json.loads(found.ask(do="open"))["text"]
            assert "<svg" in found.check(text)
            times.append(time.perf_counter() - found.start)
            work.append(found.computed())
    _tell("start to first figure", times, f"{STARTS} starts, {_ms(work)} of two processors' work")


def keys(folder: Path) -> None:
    """From a key to the figure and the counts of it, of hrnet_w48_cls and what is near it."""
    with editor(folder) as found:
        found.check(TEXT)
        times, sizes, before = [], [], found.computed()
        for number in range(KEYS):
            text = TEXT.replace("48\n", f"{20 + number}\n")
            start = time.perf_counter()
            sizes.append(len(found.check(text)))
            times.append(time.perf_counter() - start)
        work = [(found.computed() - before) / KEYS]
        how = f"{KEYS} widths, each of them new, {_ms(work)} of processors' work each"
        _tell("a key to figure and counts", times, how)
        print(f"one reply: {statistics.median(sizes) / 1e3:.0f} kB")


def memory(folder: Path, edits: int) -> None:
    """Of server and worker, along many random edits, of which many are wrong."""
    draw = random.Random(0)
    lines = ["width: {}", "head: {{classes: {}}}", "input: [3, {0}, {0}]", "widht: {}", "stem: {}"]
    with editor(folder) as found:
        for number in range(edits + 1):
            if number in (edits // 5, edits // 2, edits):
                server, worker = (_resident(pid) / 2**20 for pid in found.processes())
                print(f"after {number} edits: server {server:.1f} MiB, worker {worker:.1f} MiB")
            chosen = draw.sample(lines, draw.randint(1, 3))
            text = "\n".join(line.format(32 * draw.randint(1, 12)) for line in chosen)
            found.check(f"extends: hrnet_w18_small_v1_cls\n{text}\n")


def _ms(times: list[float]) -> str:
    return f"{1e3 * statistics.median(times):.0f} ms"


def _tell(what: str, times: list[float], how: str) -> None:
    spread = f"{1e3 * min(times):.0f} to {1e3 * max(times):.0f}"
    print(f"{what}: {_ms(times)}, {spread} ({how})")


def main() -> None:
    """Prints one line a measurement."""
    edits = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    packages = ", ".join(f"{name} {version(name)}" for name in ("websockets", "watchfiles"))
    print(f"Python {platform.python_version()}, {packages}")
    sizes = {name: len(data) for name, data in page_files().items()}
    print(f"the page: {sum(sizes.values()) / 1e3:.0f} kB", sizes)
    with tempfile.TemporaryDirectory() as folder:
        starts(Path(folder))
        keys(Path(folder))
        memory(Path(folder), edits)


if __name__ == "__main__":
    main()
