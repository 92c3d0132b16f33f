"""Choices that are kept in the user's cache folder, one file a question."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pydantic import ValidationError

from hrnet_graph.engines.choice import Choice, Question, Setting
from hrnet_graph.engines.engine import find_engine
from hrnet_graph.errors import FileError, error_line, quoted
from hrnet_graph.files import exists, is_file, make_folder, write_text

LARGEST = 2**20
"""No file of ours has more bytes."""


def cache_folder() -> Path:
    """The user's folder of what can be made again. Raises `FileError` if the user has none."""
    stated = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if stated.is_absolute():  # as its specification says: others are to be ignored
        return stated / "hrnet-graph"
    try:
        if sys.platform == "win32":
            local = os.environ.get("LOCALAPPDATA")
            return (Path(local) if local else Path.home() / "AppData/Local") / "hrnet-graph"
        caches = "Library/Caches" if sys.platform == "darwin" else ".cache"
        return Path.home() / caches / "hrnet-graph"
    except RuntimeError:
        raise FileError("no cache folder: the user has no home", "set XDG_CACHE_HOME") from None


def place_of(question: Question) -> Path:
    """The file of a question's answer."""
    return cache_folder() / "engines" / f"{question.digest}.json"


def recall(question: Question) -> tuple[Choice | None, str]:
    """The answer that is kept, or none; and what is wrong with its file, if anything is."""
    try:
        path = place_of(question)
    except FileError as error:
        return None, error.message
    where = quoted(str(path), 200)
    if not is_file(path):
        return None, f"{where} is no file" if exists(path) else ""
    try:
        with path.open("rb") as stream:
            text = stream.read(LARGEST + 1)
    except OSError as error:
        return None, f"{where} cannot be read: {error_line(error)}"
    if len(text) > LARGEST:
        return None, f"{where} is no choice of engines: it is too large"
    try:
        choice = Choice.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        said = f"{place}: {first['msg']}" if place else first["msg"]
        return None, f"{where} is no choice of engines: {said}"
    if choice.question != question:
        return None, f"{where} answers another question"
    for setting in (trial.setting for trial in choice.trials):
        if not _can_be_had(setting):
            return None, f"{where} is no choice of engines: {setting} cannot be had"
    return choice, ""


def _can_be_had(setting: Setting) -> bool:
    """Whether threads of the engine can wait so, and that is settled where the setting says."""
    if setting.waiting is None:
        return True
    waits = find_engine(setting.target).waits
    return waits == ("process" if setting.by_environment else "options")


def keep(choice: Choice) -> Path:
    """Keeps an answer, whole or not at all. Raises `FileError` where that cannot be."""
    path = place_of(choice.question)
    make_folder(path.parent)
    write_text(path, choice.model_dump_json(indent=1) + "\n")
    return path
