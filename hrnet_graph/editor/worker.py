"""The far end of the worker process: requests in, replies out, one a line, as `process.py` asks."""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from hrnet_graph.editor.limits import MEMORY
from hrnet_graph.errors import error_line
from hrnet_graph.spec.source import files_needed

Answer = Callable[[Mapping[str, object]], dict[str, object]]


def main() -> None:
    """Answers requests until the other end closes, whatever it is doing then."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what rules of other packages print is no reply
    from hrnet_graph.editor.session import answer

    _limit_memory()
    requests: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, requests), daemon=True).start()
    try:
        _send(replies, b"{}")
        while serve(answer, requests.get(), replies):
            pass
    finally:
        os._exit(1)  # the thread would hold up an end of its own accord


def _read(stream: IO[bytes], requests: queue.Queue[bytes]) -> None:
    """Hands on what is asked; ends the process at once when nobody can ask any more."""
    for line in stream:
        requests.put(line)
    os._exit(0)


def _limit_memory() -> None:
    """Holds this process to `MEMORY`, where the system knows how to."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        limit = MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most)
        resource.setrlimit(resource.RLIMIT_AS, (limit, most))


def serve(answer: Answer, line: bytes, replies: IO[bytes]) -> bool:
    """Sends the files that an answer needed and their states, or null if it is the last, and it.

    Whether another one can follow.
    """
    request = json.loads(line)
    well = True
    with files_needed() as needed:
        try:
            reply = _as_json(request, answer(request))
        except MemoryError:
            well = False
            why = f"it takes more than {MEMORY >> 30} GB of memory; try a smaller one"
            reply = _as_json(request, {"error": f"this network could not be worked out: {why}"})
        except Exception as error:  # a fault of ours, told in a sentence like any other
            reply = _as_json(request, {"error": f"hrnet-graph failed: {_fault(error)}"})
    files = {str(path.absolute()): state for path, state in sorted(needed.items())}
    _send(replies, json.dumps(files if well else None).encode())
    _send(replies, reply)
    return well


def _as_json(request: Mapping[str, object], reply: Mapping[str, object]) -> bytes:
    return json.dumps({**reply, "id": request.get("id")}).encode()


def _fault(error: Exception) -> str:
    """An error that nobody meant, and where it came from."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    code = "" if trace is None else trace.tb_frame.f_code.co_filename
    place = "" if trace is None else f" ({Path(code).name}:{trace.tb_lineno})"
    return f"{type(error).__name__}: {error_line(error)}{place}"


def _send(replies: IO[bytes], line: bytes) -> None:
    replies.write(line + b"\n")
    replies.flush()
