"""A folder of winners: those of the last search of a spec, and what else stands there untouched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from hrnet_graph.errors import FileError, error_line, quoted
from hrnet_graph.files import expect_folder, is_folder, make_folder, write_text
from hrnet_graph.spec.emit import to_yaml
from hrnet_graph.spec.schema import Spec

MARK = "# Written by a search and replaced by the next; rename it to edit it: "
"""How a winner begins, before the digest of the rest."""


def check_folder(folder: Path, name: str) -> None:
    """Raises `FileError`, before a search of `name`, if its winners could not be written there."""
    expect_folder(folder)
    for path in _numbered_files(folder, name):
        if not _is_ours(path):
            place = quoted(str(path), 200)
            raise FileError(
                f"{place} has the name of a winner and is none as a search wrote it",
                "rename it if you changed it, or give another folder",
            )


def write_winners(
    winners: Sequence[Spec], folder: Path, name: str
) -> tuple[list[Path], list[Path]]:
    """Writes winners as specs NAME_0.yaml, ..., and removes those of an earlier search.

    Returns the files that are written and those that are removed. Raises `FileError`.
    """
    written, removed = [], []
    make_folder(folder)
    for number, winner in enumerate(winners):
        text = to_yaml({**winner.dump(), "name": f"{name}_{number}"})
        path = folder / f"{name}_{number}.yaml"
        write_text(path, f"{MARK}{_digest(text)}\n{text}")
        written.append(path)
    for path in _numbered_files(folder, name):
        if path not in written and _is_ours(path):
            path.unlink(missing_ok=True)
            removed.append(path)
    return written, removed


def _numbered_files(folder: Path, name: str) -> list[Path]:
    """What has a winner's name, in order of numbers."""
    pattern = re.compile(rf"{re.escape(name)}_(0|[1-9][0-9]{{0,8}})\.yaml")
    try:
        there = [*folder.iterdir()] if is_folder(folder) else []
    except OSError as error:
        raise FileError(f"cannot read {quoted(str(folder), 200)}: {error_line(error)}") from None
    numbers = {int(match[1]): path for path in there if (match := pattern.fullmatch(path.name))}
    return [numbers[number] for number in sorted(numbers)]


def _is_ours(path: Path) -> bool:
    """Whether a file is just as a search wrote it."""
    try:
        first, _, rest = path.read_text(encoding="utf-8").partition("\n")
    except (OSError, ValueError):
        return False
    return first == MARK + _digest(rest)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
