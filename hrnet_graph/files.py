"""Atomic writes, checks of file names, and existence checks that never raise."""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hrnet_graph.errors import FileError, error_line, quoted

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

FORMAT = "hrnet-graph 1"
"""What marks a file of ours, and its version."""

PARTNERS: Mapping[str, str] = {".param": ".bin"}
"""Suffix -> that of the file which is written beside it: ncnn's networks are two files."""

is_file, is_folder, exists = os.path.isfile, os.path.isdir, os.path.exists
"""Whether a file, a folder or anything is there. A name that the system cannot take is none, and
raises nothing, unlike in the methods of `Path`."""

State = tuple[int, int, int] | None
"""What changes with the content of a file: time, bytes and inode; none of one that is not there."""


def state_of(path: Path) -> State:
    """The state that a file is in, known without reading it."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a path leads into a folder, links followed; one that leads nowhere does not."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # a null byte, or links that form a circle
        return False


def make_folder(path: Path) -> None:
    """Makes a folder, and those around it, where they are not there. Raises `FileError`."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        place = quoted(str(path), 200)
        raise FileError(f"cannot make the folder {place}: {error_line(error)}") from None


def expect_folder(path: Path) -> None:
    """Raises `FileError` for what is no folder and cannot become one."""
    if str(path) == "-":
        raise FileError("expected a folder for several files, got '-', standard output")
    there = next((place for place in (path, *path.parents) if exists(place)), None)
    if there and not is_folder(there):
        raise FileError(f"expected a folder, got the file {quoted(str(there), 200)}")


def files_of(path: str | Path) -> tuple[Path, ...]:
    """A file, and the one beside it without which it is nothing, if it is of such a kind."""
    path = Path(path)
    partner = PARTNERS.get(path.suffix.lower())
    return (path, path.with_suffix(partner)) if partner else (path,)


def check_suffix(path: str | Path, known: Iterable[str]) -> str:
    """The suffix of a file name in small letters. Raises `FileError` unless it is a known one."""
    suffix, known = Path(path).suffix.lower(), tuple(known)
    if suffix not in known:
        expected, got = " or ".join(known), quoted(str(path), 200)
        raise FileError(f"expected a file name that ends in {expected}, got {got}")
    return suffix


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """A file to be written in place of `path`, under the same name in a new folder beside it.

    Once all is well it takes the place of `path`, after any other file that was put beside it
    there; each keeps the mode of the file that it replaces, and a link stays one, to the new
    content. Whoever reads meanwhile finds the old file or the new one, whole; that it survives a
    loss of power is not promised (no fsync). Raises `FileError`, and leaves what was there, if the
    file cannot be written.
    """
    check_writable(path)
    target = Path(os.path.realpath(path))
    _clear_drafts(target.parent)
    try:
        with tempfile.TemporaryDirectory(
            prefix=_draft_prefix(os.getpid()), dir=target.parent, ignore_cleanup_errors=True
        ) as folder:
            draft = Path(folder) / target.name
            draft.touch(mode=0o666)
            yield draft
            for file in sorted(draft.parent.iterdir(), key=lambda file: file == draft):
                place = target.parent / file.name
                with suppress(FileNotFoundError):
                    file.chmod(stat.S_IMODE(place.stat().st_mode))
                file.replace(place)
    except OSError as error:
        raise _unwritable(path, error_line(error)) from None


def _draft_prefix(pid: int | str) -> str:
    """How the folders of this machine's drafts begin, and whose they are."""
    host = re.sub(r"[^A-Za-z0-9]", "_", socket.gethostname())
    return f".hrnet-graph-{host}-{pid}-"


def _clear_drafts(folder: Path) -> None:
    """Removes the drafts of processes of this machine that ended before they could do so."""
    ours = re.compile(_draft_prefix(r"(\d+)") + r"[a-z0-9_]+")
    with suppress(OSError):
        for entry in os.scandir(folder):
            match = ours.fullmatch(entry.name)
            if match and entry.is_dir(follow_symlinks=False) and not runs(int(match[1])):
                shutil.rmtree(entry.path, ignore_errors=True)


def runs(pid: int) -> bool:
    """Whether a process is there; where that cannot be told, it is."""
    try:
        os.kill(pid, 0) if os.name == "posix" else None
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass
    return True


def check_writable(path: str | Path) -> None:
    """Raises `FileError` if a file could not be written there, before the work to fill it."""
    problem = ""
    try:
        if is_folder(path):
            problem = "it is a folder"
        elif not is_folder(Path(os.path.realpath(path)).parent):
            problem = "no such folder"
        else:
            os.lstat(path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        problem = error_line(error)
    if problem:
        raise _unwritable(path, problem)


def write_text(path: str | Path, text: str) -> None:
    """Writes a text file in UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_bytes(path: str | Path, data: bytes) -> None:
    """Writes a file, whole or not at all."""
    with atomic_write(path) as draft:
        draft.write_bytes(data)


class KeptErrors(io.RawIOBase):
    """A file for writers that a full disk ends the process of, or that word it their own way.

    What cannot be written is let go, and raised when the file is closed.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._error: OSError | None = None

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Stays where it is: some writers return to the start of what they have written."""
        return offset

    def write(self, data: ReadableBuffer, /) -> int:
        """Writes, or remembers why not."""
        if self._error is None:
            try:
                self._file.write(data)
            except OSError as error:
                self._error = error
        return memoryview(data).nbytes

    def close(self) -> None:
        """Closes the file, and raises what went wrong, once."""
        if self.closed:
            return
        super().close()
        try:
            self._file.close()
        except OSError as failure:
            self._error = self._error or failure
        if self._error is not None:
            raise self._error


def _unwritable(path: str | Path, problem: str) -> FileError:
    return FileError(f"cannot write {quoted(str(path), 200)}: {problem}")
