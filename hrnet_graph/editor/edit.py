"""A spec in a page, from the start to the end: what `hrnet-graph edit` runs."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass

from hrnet_graph.editor.file import SpecFile
from hrnet_graph.editor.guard import Guard
from hrnet_graph.editor.page import page_files
from hrnet_graph.editor.process import Worker
from hrnet_graph.errors import HRNetGraphError

_WORDS = {"SIGINT": "Ctrl-C", "SIGHUP": "the terminal was closed"}


@dataclass(frozen=True)
class Addresses:
    """Where the page is: for whoever has the address, and for one browser, once."""

    page: str
    ticket: str


async def edit(
    file: SpecFile, address: str, port: int, keep: bool, started: Callable[[Addresses], None]
) -> str:
    """Serves a spec's page until the end, and says why it came.

    `started` gets the addresses once the page can be opened. Raises `HRNetGraphError` if the file
    cannot be read or the address not be listened at.
    """
    file.read()
    listening = _listen(address, port)
    worker = Worker()
    try:
        await worker.start()
        from hrnet_graph.editor.server import Editor  # meanwhile: both take their time

        guard = Guard(page_files(), address)
        editor = Editor(file, worker, guard, keep)
        _stop_on_signals(editor.stop)
        name = socket.gethostname() if address in ("0.0.0.0", "::") else address
        host = f"[{name}]" if ":" in name else name
        base = f"http://{host}:{listening.getsockname()[1]}"
        where = Addresses(base + guard.path(guard.token), base + guard.path(guard.ticket()))
        return await editor.run(listening, lambda: started(where))
    finally:
        listening.close()
        await worker.close()


def _listen(address: str, port: int) -> socket.socket:
    """A socket that listens there, at any free port for 0. Raises `HRNetGraphError`."""
    try:
        found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
        family, _, _, _, place = found[0]
        return socket.create_server((str(place[0]), int(place[1])), family=family)
    except (OSError, UnicodeError, OverflowError) as error:
        where = f"{address}:{port}" if port else address
        why = getattr(error, "strerror", None) or error
        raise HRNetGraphError(f"cannot listen at {where}: {why}") from None


def _stop_on_signals(stop: Callable[[str], None]) -> None:
    """Ends cleanly on Ctrl-C, when `kill` asks for it, and when the terminal is closed."""
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is None or signal.getsignal(number) == signal.SIG_IGN:
            continue
        try:
            loop.add_signal_handler(number, stop, _WORDS.get(name, name))
        except NotImplementedError:  # on Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop, "it was stopped"))
