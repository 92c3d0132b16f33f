"""The processes that candidates run in: each ends, and nobody waits for what one has started."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from editing import eventually
from small import SMALL

from hrnet_graph.benchmark.process import Worker

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes fork on POSIX systems")

PEERS = """
import os
import sys
import time


class Net:
    def eval(self):
        return self

    def __call__(self, x):
        return x


def forked():
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)
    return Net()


def forked_and_killed():
    forked()
    os.kill(os.getpid(), 9)


def working():
    print("at work", file=sys.stderr, flush=True)
    time.sleep(20)
"""


@pytest.fixture(autouse=True)
def peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "peers.py").write_text(PEERS)
    monkeypatch.syspath_prepend(str(tmp_path))


def order(name: str) -> str:
    return json.dumps({"threads": 1, "peer": f"peers:{name}", "batch": 1, "spec": SMALL})


@pytest.mark.parametrize(("name", "ends"), [("forked", ""), ("forked_and_killed", "was killed")])
def test_what_a_process_started_is_not_waited_for(name: str, ends: str, tmp_path: Path) -> None:
    begin = time.monotonic()
    worker = Worker(tmp_path / "a")
    worker.ask(order(name))
    assert ends in worker.error
    worker.close()
    assert time.monotonic() - begin < 15


def test_a_process_ends_with_whoever_started_it(tmp_path: Path) -> None:
    worker = Worker(tmp_path / "a")
    process, said = worker._process, tmp_path / "a.txt"
    assert process.stdin is not None
    process.stdin.write(f"{order('working')}\n")
    process.stdin.flush()
    assert eventually(lambda: "at work" in said.read_text())
    process.stdin.close()  # as when who started it is killed
    process.stdin = None
    assert process.wait(5) == 0
    worker.close()
