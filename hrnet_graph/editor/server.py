"""The editor's server: one page, its sockets, one file and one worker. It builds nothing itself."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from contextlib import suppress

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as WebRequest
from websockets.http11 import Response

from hrnet_graph.editor import limits
from hrnet_graph.editor.changes import States, changes, settled, states_of
from hrnet_graph.editor.file import Conflict, Content, SpecFile
from hrnet_graph.editor.guard import Guard, Request
from hrnet_graph.editor.process import Worker
from hrnet_graph.errors import FileError, HRNetGraphError

Message = dict[str, object]


class Editor:
    """What pages of one file share. `run` serves them until `stop`, or until the last is closed."""

    def __init__(self, file: SpecFile, worker: Worker, door: Guard, keep: bool = False) -> None:
        self._file = file
        self._worker = worker
        self._guard = door
        self._keep = keep
        self._states: States = states_of([file.path])
        self._known = file.read().base
        self._pages: set[ServerConnection] = set()
        self._done = asyncio.Event()
        self._why = ""

    def stop(self, why: str) -> None:
        """Ends the server; pages are told why."""
        self._why = self._why or why
        self._done.set()

    async def run(self, listening: socket.socket, started: Callable[[], None]) -> str:
        """Serves until the end, and says why it came."""
        logger = logging.getLogger(__name__)
        logger.addHandler(logging.NullHandler())  # what pages do wrong, they are told themselves
        logger.propagate = False
        server = await serve(
            self._serve,
            sock=listening,
            process_request=self._admit,
            compression=None,
            server_header=None,
            max_size=limits.MAX_MESSAGE,
            max_queue=limits.MAX_WAITING,
            ping_interval=None if self._guard.is_local else 20,
            close_timeout=1,
            logger=logger,
        )
        watching = asyncio.create_task(self._watch())
        try:
            started()
            await self._done.wait()
        finally:
            watching.cancel()
            server.close(reason=self._why)
            await asyncio.wait([watching, asyncio.create_task(server.wait_closed())], timeout=3)
        return self._why

    def _admit(self, connection: ServerConnection, request: WebRequest) -> Response | None:
        """Answers at once what is no socket that may be opened."""
        names = [name.lower() for name, _ in request.headers.raw_items()]
        once = {name for name in names if names.count(name) == 1}
        headers = {name: request.headers[name] for name in once}
        asked = Request(request.method, request.path, headers)
        reply = self._guard.reply(asked, limits.MAX_SOCKETS - len(self._pages))
        if reply is None:
            return None
        length = {"Content-Length": str(len(reply.body)), "Connection": "close"}
        said = Headers({**reply.headers, **length})
        return Response(reply.status.value, reply.status.phrase, said, reply.body)

    async def _serve(self, page: ServerConnection) -> None:
        """Answers one page until it is closed."""
        tasks: set[asyncio.Task[None]] = set()
        self._pages.add(page)  # none before, which may have gone, or is no socket after all
        try:
            async for message in page:
                if isinstance(message, bytes):
                    await page.close(1003, "expected text")
                    break
                if len(tasks) == limits.MAX_WAITING:
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                task = asyncio.create_task(self._reply(page, message))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        except ConnectionClosed:
            pass
        finally:
            for task in tasks:
                task.cancel()
            self._worker.forget(page)
            self._pages.discard(page)
            if not self._pages and not self._keep:
                asyncio.get_running_loop().call_later(limits.GRACE_SECONDS, self._end_if_alone)

    def _end_if_alone(self) -> None:
        if not self._pages:
            self.stop("its last page was closed")

    async def _reply(self, page: ServerConnection, message: str) -> None:
        request: Message = {}
        try:
            request = read_request(message)
            match request.get("do"):
                case "open":
                    await self._settled()
                    reply = json.dumps({**self._open(page), "id": request["id"]})
                case "save":
                    await self._settled()
                    reply = json.dumps({**self._save(page, request), "id": request["id"]})
                case _:
                    reply = await self._ask(page, request)
        except HRNetGraphError as error:
            reply = json.dumps({"id": request.get("id"), "error": str(error)})
        with suppress(ConnectionClosed):
            await page.send(reply)

    async def _ask(self, page: ServerConnection, request: Message) -> str:
        """The worker's answer about the file, whatever path a page may name."""
        request["path"] = str(self._file.path)
        newest = page if request.get("do") == "check" else None
        answer = await self._worker.ask(request, newest)
        self._states = {**answer.files, **self._states}  # it remembers what it read first
        return answer.text

    async def _settled(self) -> None:
        """Waits while somebody else writes the file."""
        await settled([self._file.path], self._states)

    def _open(self, page: ServerConnection) -> Message:
        content = self._file.read()
        self._notice(content, page)
        writable = self._file.is_writable
        return {**_event(content), "name": self._file.name, "writable": writable}

    def _save(self, page: ServerConnection, request: Message) -> Message:
        text, base = request.get("text"), request.get("base")
        if not isinstance(text, str) or not isinstance(base, str):
            raise FileError("expected the text to save, and the base that it comes from")
        saved = self._file.write(text, base)
        if isinstance(saved, Conflict):
            return {"conflict": saved.there.text, "base": saved.there.base}
        self._notice(saved, page)
        return {"base": saved.base}

    def _notice(self, content: Content, page: ServerConnection | None = None) -> None:
        """Tells all pages but one what is in the file, if they do not know."""
        if content.base != self._known:
            self._known = content.base
            self._tell({"event": "file", **_event(content)}, page)

    def _tell(self, event: Message, but: ServerConnection | None = None) -> None:
        broadcast(self._pages - {but}, json.dumps(event))

    def _content(self) -> Content | str:
        """What is in the file, or why it cannot be read."""
        try:
            return self._file.read()
        except FileError as error:
            return error.message

    async def _watch(self) -> None:
        """Tells all pages what becomes of the file, and that one which it extends changed."""
        async for _ in changes(lambda: self._states):
            known = self._states
            states = await settled(known, known)
            content = self._content()
            if states_of(states) != states:  # it is written right now, and more of it is told soon
                continue
            self._states = {**self._states, **states}
            if isinstance(content, Content):
                self._notice(content)
            elif content != self._known:
                self._known = content
                self._tell({"event": "gone", "error": content})
            if any(states[file] != known[file] for file in known if file != self._file.path):
                await self._worker.renew()
                self._tell({"event": "extended"})


def _event(content: Content) -> Message:
    return {"text": content.text, "base": content.base}


def read_request(message: str) -> Message:
    """What a page asks. Raises `FileError` for what is no request."""
    try:
        request = json.loads(message)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict) or not isinstance(request.get("id"), int):
        raise FileError('expected a request, such as {"id": 1, "do": "open"}, as JSON')
    return request
