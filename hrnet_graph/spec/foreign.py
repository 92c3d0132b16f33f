"""Tells other people's configs from specs, so that a message can say which command reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hrnet_graph.errors import NOWHERE, Mark, Problem, SpecError
from hrnet_graph.spec.source import IN_MEMORY, Located

_KINDS: Mapping[str, str] = {
    "MODEL": "a published experiment in the manner of yacs",
    "Arch": "a config of PaddleClas",
    "architecture": "a config of PaddleDetection",
    "model": "a config of OpenMMLab or PaddleSeg",
    "backbone": "a config of OpenMMLab",
}
"""A section that a spec has not, or as a word alone -> whose file has it."""


def refuse_foreign(root: Located) -> None:
    """Raises `SpecError`, with the command that reads it, if a file is another tool's config."""
    inside = dict(root.children())
    if {"stages", "extends", "head"} & inside.keys():
        return
    for key, whose in _KINDS.items():
        if key in inside and (key == "architecture" or isinstance(inside[key].value, Mapping)):
            _refuse(root.mark.file, root.mark, whose)


def refuse_python(path: str | Path) -> None:
    """Raises `SpecError`, with the command that reads it, if a path is a Python file's."""
    if str(path).endswith(".py"):
        _refuse(str(path), NOWHERE, f"{path} is Python, such as a config of OpenMMLab")


def _refuse(file: str, place: Mark, whose: str) -> None:
    message = f"expected a spec, got {whose}" if place.file else f"expected a spec; {whose}"
    saved = "theirs.yaml" if file == IN_MEMORY else file
    hint = f"`hrnet-graph import {saved} -o mine.yaml` makes a spec of it, where it can"
    if saved != file:
        hint = f"save it as {saved}: {hint}"
    raise SpecError([Problem(place, "", message, hint)])
