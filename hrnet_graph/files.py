"""Files written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hrnet_graph.errors import FileError, shown


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A new file beside `path` to be written; it takes the place of `path` once all is well.

    Raises `FileError` if the folder cannot be written to.
    """
    target = Path(path)
    try:
        if target.is_dir():
            raise FileError(f"cannot write {shown(str(target), 200)}: it is a folder")
        handle, name = tempfile.mkstemp(prefix=".", suffix=target.suffix, dir=target.parent)
    except (OSError, ValueError) as error:
        raise _unwritable(target, error) from None
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o666 & ~_umask())
        draft.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from None
    finally:
        draft.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Writes a text file in UTF-8, whole or not at all."""
    with whole_file(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


def _unwritable(target: Path, error: Exception) -> FileError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return FileError(f"cannot write {shown(str(target), 200)}: {reason}")


def _umask() -> int:
    """The process's file mode mask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
