"""The one file that the editor reads and writes, and which state of it a page began with."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from hrnet_graph.errors import FileError, Mark, error_line, quoted
from hrnet_graph.files import exists, is_file, is_folder, write_bytes
from hrnet_graph.spec.source import MAX_BYTES

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Content:
    """What a file holds: its text with lines that end in a line feed, as pages have it.

    base: which state this is, by its bytes
    """

    text: str
    base: str
    has_bom: bool = False
    newline: str = "\n"

    def encoded(self, text: str) -> bytes:
        """Another text as the bytes of such a file. Raises `FileError` for what is no text."""
        lines = text.replace("\r\n", "\n").replace("\n", self.newline)
        try:
            data = (_BOM if self.has_bom else b"") + lines.encode()
        except UnicodeEncodeError as error:
            got = f"got half of a character at {error.start}"
            raise FileError(f"expected text, {got}; it is not written") from None
        if len(data) > MAX_BYTES:
            expected = f"expected a spec of at most {MAX_BYTES} bytes"
            raise FileError(f"{expected}, got {len(data)}; it is not written")
        return data


@dataclass(frozen=True)
class Conflict:
    """The file is not as the page began with it, and was left as it is."""

    there: Content


def decode(data: bytes, name: str) -> Content:
    """The content of a file. Raises `FileError` if it is no text of a spec's size."""
    if len(data) > MAX_BYTES:
        expected = f"expected a spec of at most {MAX_BYTES} bytes"
        raise FileError(f"{name}: {expected}, got a larger file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{name}: expected UTF-8 text, got another byte at {error.start}") from None
    first = text.partition("\n")[0]
    newline = "\r\n" if first.endswith("\r") else "\n"
    base = hashlib.sha256(data).hexdigest()
    return Content(text.replace("\r\n", "\n"), base, data.startswith(_BOM), newline)


class SpecFile:
    """One spec on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self._shown = str(Mark(path.name))  # in messages, which are of one line

    def read(self) -> Content:
        """What is there. Raises `FileError` if it cannot be read as a spec's text."""
        try:
            if not is_file(self.path):  # a pipe would never end
                raise FileError(f"{self._shown} cannot be read: {self._lack()}")
            with self.path.open("rb") as file:
                return decode(file.read(MAX_BYTES + 1), self._shown)
        except OSError as error:
            raise FileError(f"{self._shown} cannot be read: {error_line(error)}") from None

    def _lack(self) -> str:
        """What is in place of the file."""
        if is_folder(self.path):
            return "it is a folder"
        return "it is not a file" if exists(self.path) else "it is not there"

    @property
    def is_writable(self) -> bool:
        """Whether its owner lets it be written: a new file could take its place all the same."""
        try:
            mode = self.path.stat().st_mode
        except OSError:
            return os.access(self.path.parent, os.W_OK)
        writable = bool(mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
        return writable and os.access(self.path, os.W_OK)

    def write(self, text: str, base: str) -> Content | Conflict:
        """Puts a text in place of the state `base`, whole or not at all; a file that has gone too.

        Raises `FileError` if it cannot be written.
        """
        there = self.read() if exists(self.path) else None
        if there is not None and there.base != base:
            return Conflict(there)
        if not self.is_writable:
            name = quoted(self.name, 200)
            raise FileError(
                f"cannot write {name}: it is read-only", "save the text as another file"
            )
        data = (there or Content("", "")).encoded(text)
        write_bytes(self.path, data)
        return decode(data, self._shown)
