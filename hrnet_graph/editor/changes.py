"""When files change on disk, whoever changes them and however."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from pathlib import Path

from hrnet_graph.files import State, is_folder, state_of

PAUSE = 1.0
"""Seconds after which files are looked at in any case: of a network drive no change is told."""


STEP = 0.02
"""Seconds between two looks at files that are being written."""

QUIET = 0.08
"""Seconds in which nothing happens to files that nobody is writing."""

PATIENCE = 0.5
"""The same of a file that has just gone or become empty: editors do that before they write it."""

LONGEST = 5.0
"""The most seconds that files are waited for."""

States = Mapping[Path, State]
"""Files -> the states that they are in."""


def states_of(files: Iterable[Path]) -> States:
    """The states that files are in now."""
    return {file: state_of(file) for file in files}


async def settled(files: Iterable[Path], known: States) -> States:
    """The states of files once nobody is writing them; at once if they are as they are known.

    A file is not written in one moment: it is emptied and filled, or another takes its place. What
    is read meanwhile nobody wrote. One that is never left alone is waited for `LONGEST`.
    """
    files, clock = tuple(files), asyncio.get_running_loop().time
    states = states_of(files)
    begin = since = clock()
    while clock() - since < _wait(states, known) and clock() - begin < LONGEST:
        await asyncio.sleep(STEP)
        if (now := states_of(files)) != states:
            states, since = now, clock()
    return states


def _wait(states: States, known: States) -> float:
    """Seconds that files have to be left alone, by what is new about them."""
    new = [state for file, state in states.items() if file not in known or known[file] != state]
    lacks = any(state is None or not state[1] for state in new)
    return PATIENCE if lacks else QUIET if new else 0


async def changes(files: Callable[[], Iterable[Path]]) -> AsyncGenerator[None]:
    """Says, at once where the system tells it, that some files may have changed: look at them.

    They may be half written: read them once they are `settled`.

    It is about the files' folders, so that a file which is replaced, removed or made again is seen,
    and where a link leads. `files` is asked again and again, and may give others.
    """
    while True:
        names, folders = _watched(files())
        try:
            async with aclosing(_events(folders, names)) as events:
                async for _ in events:
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
