"""What there is, and files written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hrnet_graph.errors import FileError, error_line, quoted

FORMAT = "hrnet-graph 1"
"""What marks a file of ours, and its version."""


def is_file(path: str | Path) -> bool:
    """Whether a file is there; a name that the system cannot take is none, and raises nothing."""
    return os.path.isfile(path)  # noqa: PTH113 (Path.is_file raises for a name that is too long)


def is_folder(path: str | Path) -> bool:
    """Whether a folder is there, whatever the name."""
    return os.path.isdir(path)  # noqa: PTH112 (Path.is_dir and Path.exists, too)


def exists(path: str | Path) -> bool:
    """Whether anything is there, whatever the name."""
    return os.path.exists(path)  # noqa: PTH110 (Path.is_dir and Path.exists, too)


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """A file to be written in place of `path`, under the same name in a new folder beside it.

    Once all is well it takes the place of `path`, after any other file that was put beside it
    there. Raises `FileError` if the folder cannot be written to.
    """
    target = Path(path)
    draft = _draft(target)
    try:
        yield draft
        for file in sorted(draft.parent.iterdir(), key=lambda file: file == draft):
            file.replace(target.parent / file.name)
    except OSError as error:
        raise _unwritable(target, error) from None
    finally:
        shutil.rmtree(draft.parent, ignore_errors=True)


def _draft(target: Path) -> Path:
    """An empty file of the same name in a new folder beside it."""
    check_writable(target)
    try:
        draft = Path(tempfile.mkdtemp(prefix=".", dir=target.parent)) / target.name
    except (OSError, ValueError) as error:
        raise _unwritable(target, error) from None
    try:
        draft.touch(mode=0o666)
    except (OSError, ValueError) as error:
        draft.parent.rmdir()
        raise _unwritable(target, error) from None
    return draft


def check_suffix(path: str | Path, known: Sequence[str]) -> str:
    """The suffix of a file name, in small letters. Raises `FileError` unless it is `known`."""
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        expected, got = " or ".join(known), quoted(str(path), 200)
        raise FileError(f"expected a file name that ends in {expected}, got {got}")
    return suffix


def check_writable(path: str | Path) -> None:
    """Raises `FileError` if a file could not be written there, before the work to fill it."""
    target = Path(path)
    if is_folder(target):
        raise FileError(f"cannot write {quoted(str(target), 200)}: it is a folder")
    if not is_folder(target.parent):
        raise FileError(f"cannot write {quoted(str(target), 200)}: no such folder")
    try:
        os.lstat(target)
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise _unwritable(target, error) from None


def write_text(path: str | Path, text: str) -> None:
    """Writes a text file in UTF-8, whole or not at all."""
    with atomic_write(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


def _unwritable(target: Path, error: Exception) -> FileError:
    return FileError(f"cannot write {quoted(str(target), 200)}: {error_line(error)}")
