"""The process that answers: held to time and memory, and started again whatever a spec does."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from editing import TEXT, eventually, hostile, with_blocks

from hrnet_graph.editor import process
from hrnet_graph.editor.process import Worker, WorkerError
from hrnet_graph.editor.worker import serve

posix = pytest.mark.skipif(os.name != "posix", reason="signals are of POSIX systems")


def request(text: str, number: int = 1) -> dict[str, object]:
    return {"id": number, "do": "check", "text": text, "view": "figure"}


def drive(work: Callable[[Worker], Awaitable[None]], seconds: float = 30) -> None:
    """Does some work with a worker, which is closed whatever happens."""

    async def main() -> None:
        worker = Worker(seconds)
        try:
            await work(worker)
        finally:
            await worker.close()
        assert worker.pid is None

    asyncio.run(main())


async def check(worker: Worker, text: str = TEXT) -> dict[str, Any]:
    return dict(json.loads((await worker.ask(request(text))).text))


@pytest.fixture
def blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_blocks(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


ENDS = {
    "die": "its process ended with code 3",
    "vanish": "its process was killed, perhaps for want of memory, of 2 GB",
    "hang": "it takes longer than 0.5 s",
}


@posix
def test_a_spec_that_ends_the_process_is_told_and_the_next_is_answered(blocks: None) -> None:
    async def work(worker: Worker) -> None:
        for block, why in ENDS.items():
            await check(worker)
            first = worker.pid
            worker._seconds = 0.5 if block == "hang" else 30
            with pytest.raises(WorkerError) as error:
                await check(worker, hostile(block))
            said = f"this network could not be worked out: {why}; try a smaller one"
            assert str(error.value) == said
            worker._seconds = 30
            assert "<svg" in (await check(worker))["figure"]
            assert worker.pid != first

    drive(work)


@pytest.mark.skipif(sys.platform != "linux", reason="others hold no process to its memory")
def test_a_spec_that_takes_all_memory_is_told_and_the_next_is_answered(blocks: None) -> None:
    async def work(worker: Worker) -> None:
        assert "emory" in json.dumps(await check(worker, hostile("hoard")))
        assert "<svg" in (await check(worker))["figure"]

    drive(work)


@pytest.mark.parametrize(
    ("error", "said", "goes_on"),
    [
        (KeyError("width"), "hrnet-graph failed: KeyError: 'width' (test_edit_worker.py:", True),
        (RecursionError(), "hrnet-graph failed: RecursionError: RecursionError (", True),
        (MemoryError(), "this network could not be worked out: it takes more than 2 GB", False),
    ],
)
def test_a_fault_of_ours_is_told_in_a_sentence(error: Exception, said: str, goes_on: bool) -> None:
    def answer(request: Mapping[str, object]) -> dict[str, object]:
        raise error

    replies = BytesIO()
    assert serve(answer, b'{"id": 4}', replies) is goes_on
    files, reply = map(json.loads, replies.getvalue().splitlines())
    assert (files is not None) is goes_on
    assert reply["id"] == 4
    assert reply["error"].startswith(said)


def test_what_a_rule_prints_is_no_reply(blocks: None) -> None:
    async def work(worker: Worker) -> None:
        reply = await check(worker, hostile("chatter"))
        assert reply["id"] == 1

    drive(work)


def test_of_several_that_wait_the_newest_alone_is_answered() -> None:
    async def work(worker: Worker) -> None:
        await check(worker)
        texts = [f"{TEXT}# {number}\n" for number in range(5)]
        asked = [worker.ask(request(text, i), "page") for i, text in enumerate(texts)]
        replies = [json.loads(answer.text) for answer in await asyncio.gather(*asked)]
        assert [reply["id"] for reply in replies] == [0, 1, 2, 3, 4]
        assert [reply.get("superseded", False) for reply in replies] == [True] * 4 + [False]
        others = await asyncio.gather(*(worker.ask(request(TEXT), page) for page in "ab"))
        assert all("svg" in answer.text for answer in others)

    drive(work)


def test_who_asks_may_go_and_nobody_gets_another_ones_answer() -> None:
    async def work(worker: Worker) -> None:
        await check(worker)
        gone = asyncio.create_task(worker.ask(request("widht: 3\n", 7)))
        await asyncio.sleep(0)
        gone.cancel()
        assert (await check(worker))["id"] == 1
        with pytest.raises(asyncio.CancelledError):
            await gone

    drive(work)


def test_a_python_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(worker: Worker) -> None:
        monkeypatch.setattr(process, "command_of", lambda _: ["/nowhere/python"])
        with pytest.raises(WorkerError, match="no process could be started: No such file"):
            await worker.ask(request(TEXT))
        monkeypatch.setattr(process, "command_of", lambda _: [sys.executable, "-c", "raise"])
        with pytest.raises(WorkerError, match="its process ended with code 1"):
            await worker.ask(request(TEXT))

    drive(work)


@posix
def test_the_process_ends_with_whoever_started_it(tmp_path: Path, blocks: None) -> None:
    async def work(worker: Worker) -> None:
        asking = asyncio.create_task(worker.ask(request(hostile("hang"))))
        assert await asyncio.to_thread(eventually, lambda: worker.pid is not None)
        await asyncio.sleep(1)
        found, worker._process = worker._process, None
        assert found is not None
        assert found.stdin is not None
        found.stdin.close()  # as when the server is killed
        assert await asyncio.wait_for(found.wait(), 10) == 0
        asking.cancel()

    drive(work)
