"""The texts that are open, and what was found out about each: the newest text alone counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pygls.uris import to_fs_path
from pygls.workspace import TextDocument

from hrnet_graph.compiler.check import Check, check
from hrnet_graph.errors import Mark, Problem
from hrnet_graph.language.recognise import is_blank, is_spec
from hrnet_graph.spec.source import MAX_BYTES

PAUSE = 0.15
"""Seconds without a keystroke after which a text is checked."""


@dataclass(frozen=True)
class Document:
    """A text as it was at one moment; `file` is what problems in it call it."""

    uri: str
    text: str
    version: int | None
    path: Path | None

    @property
    def file(self) -> str:
        return str(self.path) if self.path else "spec"

    @property
    def is_spec(self) -> bool:
        """Whether it is one of ours, and not some other YAML file."""
        return is_spec(self.text, self.uri.rpartition("/")[2])

    @property
    def may_become_spec(self) -> bool:
        """Whether it is one of ours, or states nothing yet, and is of a size that can be read."""
        return len(self.text) <= MAX_BYTES and (self.is_spec or is_blank(self.text))


def moment(document: TextDocument) -> Document:
    """A text as it is now; what is in no file has no path."""
    is_file = document.uri.startswith("file:")
    path = to_fs_path(document.uri) if is_file else None
    return Document(document.uri, document.source, document.version, Path(path) if path else None)


class Checks:
    """Checks texts one at a time in a thread, each once, and none that is not the newest."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "check")
        self._found: dict[str, tuple[Document, asyncio.Future[Check]]] = {}
        self._waiting: dict[str, asyncio.TimerHandle] = {}

    async def of(self, document: Document) -> Check:
        """What is to be said about a text."""
        known = self._found.get(document.uri)
        if known is None or known[0] != document or known[1].cancelled():
            if known is not None:
                known[1].cancel()
            loop = asyncio.get_running_loop()
            known = document, loop.run_in_executor(self._thread, _check, document)
            self._found[document.uri] = known
        return await asyncio.shield(known[1])

    def later(self, uri: str, then: Callable[[], object]) -> None:
        """Does something when nothing was typed for a moment."""
        self.forget(uri, keep=True)
        self._waiting[uri] = asyncio.get_running_loop().call_later(PAUSE, then)

    def forget(self, uri: str, keep: bool = False) -> None:
        """Drops what waits for a text, and what was found out about it unless that is kept."""
        if waiting := self._waiting.pop(uri, None):
            waiting.cancel()
        if not keep:
            self._found.pop(uri, None)

    def forget_all(self) -> None:
        """Drops what was found out: a file that others extend may have changed."""
        self._found.clear()


def _check(document: Document) -> Check:
    if len(document.text) > MAX_BYTES:
        got = f"got {len(document.text)} characters"
        message = f"expected a spec of at most {MAX_BYTES} bytes, {got}"
        return Check(problems=(Problem(Mark(document.file, 1, 1), "", message),))
    found = check(document.text, document.path)
    _ = found.warnings, found.report  # counted here, in the thread
    return found
