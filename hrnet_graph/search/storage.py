"""Where a search is kept: a database, a journal, or what a URL names. Needs the extra `search`."""

from __future__ import annotations

import json
import random
import re
import shlex
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from sqlalchemy.exc import SQLAlchemyError

from hrnet_graph.choices import Direction
from hrnet_graph.errors import FileError, HRNetGraphError, error_line, quoted
from hrnet_graph.files import exists, is_file
from hrnet_graph.search.claims import HEARTBEAT, PAUSE

JOURNAL = ".journal"
"""The suffix of a file that Optuna appends to, as many processes at once may."""

TRIES = 20
"""How often a storage is opened in which another process makes tables or writes just then."""

BUSY = frozenset(("exists", "duplicate", "unique", "locked"))
"""What databases say, in one of these words, to those that make the same tables at once."""

DRIVERS = {"postgresql": "psycopg2-binary", "mysql": "mysqlclient"}
"""What brings the driver that a database's URL means where it names none."""


def open_study(storage: str, name: str, directions: Sequence[Direction]) -> optuna.Study:
    """The study of a name in a storage, or a new one. Raises `HRNetGraphError` if it is none."""
    is_url = "://" in storage
    if storage in ("", "-"):
        raise HRNetGraphError(f"expected a file or a URL as storage, got {quoted(storage)}")
    if not is_url and not set("?#").isdisjoint(storage):
        raise HRNetGraphError(f"expected a storage file without '?' and '#', got {quoted(storage)}")
    if not is_url and Path(storage).suffix == JOURNAL and exists(storage):
        _check_journal(storage)
    try:
        return _open(storage, name, directions)
    except Exception as error:  # of Optuna, SQLAlchemy or the database's own driver
        raise _unusable(storage, error) from None


@contextmanager
def telling_of(storage: str) -> Iterator[None]:
    """What goes wrong with a storage meanwhile is an `HRNetGraphError`."""
    try:
        yield
    except (
        optuna.exceptions.StorageInternalError,
        SQLAlchemyError,
        OSError,
        json.JSONDecodeError,
    ) as error:
        raise _unusable(storage, error) from None


def shown(storage: str) -> str:
    """A storage as messages name it: without the password of a URL."""
    return quoted(re.sub(r"(://[^:/@]*):[^/]*@", r"\1:***@", storage), 200)


def _unusable(storage: str, error: Exception) -> HRNetGraphError:
    """That a storage cannot be used, and what to do."""
    problem, scheme = error_line(error), storage.partition("://")[0]
    hint = "give another one: a file that is not there yet, or one that a search wrote"
    if "://" not in storage and Path(storage).suffix == JOURNAL and not isinstance(error, OSError):
        problem = "it is damaged, or no journal of Optuna's"
    if isinstance(error, ImportError) and scheme in DRIVERS:
        problem, hint = "the driver of its database is not there", f"pip install {DRIVERS[scheme]}"
    return HRNetGraphError(f"the storage {shown(storage)} cannot be used: {problem}", hint)


def _check_journal(path: str) -> None:
    """Raises `FileError` for a file that is no journal, before anything is appended to it."""
    if not is_file(path):
        raise _unusable(path, OSError("it is not a file"))  # a pipe would never end
    for left in reversed(range(TRIES)):
        try:
            with Path(path).open("rb") as file:
                first = file.readline(2**20)
                file.seek(max(file.seek(0, 2) - 1, 0))
                is_whole = file.read(1) in (b"", b"\n")
        except OSError as error:
            raise _unusable(path, error) from None
        if first and b'"op_code"' not in first:
            raise FileError(
                f"{quoted(path, 200)} is no journal of Optuna's, and is left as it is",
                "give another storage: a file that is not there yet, or one that a search wrote",
            )
        if is_whole:
            return
        time.sleep(PAUSE if left else 0)  # another process may be writing
    command = f": sed -i '$d' {shlex.quote(path)}" if path.isprintable() else ""
    raise FileError(
        f"{quoted(path, 200)} ends within a line: who wrote it was stopped, or the disk was full",
        f"remove that line{command}",
    )


def _open(storage: str, name: str, directions: Sequence[Direction]) -> optuna.Study:
    """A study in a storage, tried again while another process makes the tables for it."""
    for left in reversed(range(TRIES)):
        try:
            return optuna.create_study(
                study_name=name,
                storage=backend(storage),
                directions=list(directions),
                load_if_exists=True,
            )
        except Exception as error:
            if not left or BUSY.isdisjoint(str(error).lower().split()):
                raise
            time.sleep(random.uniform(0, TRIES * PAUSE))
    raise AssertionError


def backend(storage: str) -> optuna.storages.BaseStorage:
    """Optuna's storage of a name: a URL, a journal, or else a database in a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if "://" not in storage and Path(storage).suffix == JOURNAL:
            path = str(Path(storage).resolve())
            # a link as lock, which Optuna takes unless told, is waited for without end where who
            # made it was killed, and the folder has moved since
            return JournalStorage(JournalFileBackend(path, JournalFileOpenLock(path)))
        url = storage if "://" in storage else f"sqlite:///{Path(storage).resolve()}"
        return optuna.storages.RDBStorage(url, heartbeat_interval=HEARTBEAT)
