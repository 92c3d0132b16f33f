"""Standard output and error whose failures end in an exit code of ours.

What writes to them (click, rich) would end in exit code 1 on a closed pipe, and in a traceback on
a full disk.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from hrnet_graph.errors import FileError, error_line


class ClosedPipeError(Exception):
    """The reader of a stream has gone, which is its right."""


class StreamError(FileError):
    """A stream that cannot be written."""


class GuardedStream:
    """A stream that raises `ClosedPipeError` or `StreamError` where it cannot be written."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._failed = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Writes text and answers its length."""
        with self._guarded():
            return self._stream.write(text)

    def write_bytes(self, data: bytes) -> None:
        """Writes bytes behind the text so far."""
        with self._guarded():
            self._stream.flush()
            self._stream.buffer.write(data)
            self._stream.buffer.flush()

    def flush(self) -> None:
        """Writes what is waiting."""
        with self._guarded():
            self._stream.flush()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            self._failed = True
            raise ClosedPipeError from None
        except OSError as error:
            self._failed = True
            raise StreamError(f"cannot write to {self._name}: {error_line(error)}") from None

    def abandon(self) -> None:
        """Drops what could not be written, so that nothing fails again when Python ends."""
        if self._failed:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Guards standard output and error, each unless it was closed before the start."""
    streams = {"stdout": "standard output", "stderr": "standard error"}
    before = {name: getattr(sys, name) for name in streams}
    guards = {name: GuardedStream(before[name], streams[name]) for name in streams if before[name]}
    try:
        for name, guard in guards.items():
            setattr(sys, name, guard)
        yield
    finally:
        for name, guard in guards.items():
            setattr(sys, name, before[name])
            guard.abandon()
