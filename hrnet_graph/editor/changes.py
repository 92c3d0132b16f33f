"""When files change on disk, whoever changes them and however."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from pathlib import Path

from hrnet_graph.files import is_folder

PAUSE = 1.0
"""Seconds after which files are looked at in any case: of a network drive no change is told."""


States = Mapping[Path, tuple[int, int, int] | None]
"""Files -> what changes with the content of each; none of one that is not there."""


def states_of(files: Iterable[Path], known: States | None = None) -> States:
    """The states that files are in, or were in when they became known."""
    known = known or {}
    return {file: known[file] if file in known else _state(file) for file in files}


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


async def changes(files: Callable[[], Iterable[Path]]) -> AsyncGenerator[None]:
    """Says, at once where the system tells it, that some files may have changed: look at them.

    It is about the files' folders, so that a file which is replaced, removed or made again is seen,
    and where a link leads. `files` is asked again and again, and may give others.
    """
    while True:
        names, folders = _watched(files())
        try:
            async with aclosing(_events(folders, names)) as events:
                async for _ in events:
                    await _wait_for_content(names)
                    yield
                    if _watched(files()) != (names, folders):
                        break
        except (
            OSError,
            RuntimeError,
            ExceptionGroup,
        ):  # a folder has gone, or the system watches no more of them
            await asyncio.sleep(PAUSE)
            yield


def _watched(files: Iterable[Path]) -> tuple[set[str], set[str]]:
    """Where files stand, and where they are if those are links; the folders of both."""
    names = {str(place) for file in files for place in (file.absolute(), file.resolve())}
    return names, {folder for folder in map(os.path.dirname, names) if is_folder(folder)}


async def _wait_for_content(names: Iterable[str]) -> None:
    """Waits a little while a file is empty: an editor that writes in place empties it first."""
    for _ in range(10):
        states = states_of(map(Path, names)).values()
        if all(state is None or state[1] for state in states):
            return
        await asyncio.sleep(0.05)


async def _events(folders: set[str], names: set[str]) -> AsyncGenerator[None]:
    """One for every change of a file by name, and one in every `PAUSE`."""
    if not folders:
        raise FileNotFoundError
    from watchfiles import awatch

    watch = awatch(
        *folders,
        watch_filter=lambda _, path: path in names,
        recursive=False,
        debounce=200,
        step=30,
        rust_timeout=int(PAUSE * 1000),
        yield_on_timeout=True,
    )
    async with aclosing(watch) as found:
        async for _ in found:
            yield
