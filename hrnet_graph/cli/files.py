"""The files that commands read and write, checked as they are named: before anything is loaded.

What a command can make again takes the place of what was there, and that is said. A spec, weights
and source are somebody's work: they are replaced with `--force` alone. `-` is standard output.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from hrnet_graph.choices import CHECKPOINTS, DRAWN, FIGURES, PICTURES, SPECS
from hrnet_graph.cli.stream import GuardedStream
from hrnet_graph.errors import FileError, HRNetGraphError, quoted
from hrnet_graph.extras import require
from hrnet_graph.files import (
    PARTNERS,
    check_suffix,
    check_writable,
    exists,
    files_of,
    is_file,
    is_folder,
)

Kinds = Callable[[], Mapping[str, str]]
"""Suffix -> the extra that such a file needs, or none; the first is what `-` means."""

KEPT = (*SPECS, ".pt", ".pth", ".pt2", ".safetensors", ".onnx", ".param", ".bin", ".py")
"""What is replaced with `--force` alone: specs, weights, source."""


@dataclass
class _Named:
    """What is known of the files of one call: kept in click's context, since a file is checked
    while the options behind it are not read yet.
    """

    force: bool = False
    output: Path | None = None
    replaced: set[Path] = field(default_factory=set)


def _named(ctx: click.Context | None) -> _Named:
    known = ctx or click.get_current_context(silent=True)
    named = _Named() if known is None else known.meta.setdefault(__name__, _Named())
    assert isinstance(named, _Named)
    return named


def plots() -> Mapping[str, str]:
    """What charts are drawn as."""
    return dict.fromkeys((".svg", ".png"), "plot")


def tables(drawn: bool = True) -> Mapping[str, str]:
    """What results are written as, and `drawn` as."""
    return {**dict.fromkeys((".csv", ".json", ".md", ".tex"), ""), **(plots() if drawn else {})}


def specs() -> Mapping[str, str]:
    """What specs are written as."""
    return dict.fromkeys(SPECS, "")


def drawn() -> Mapping[str, str]:
    """What two networks in one figure are drawn as."""
    return dict.fromkeys(DRAWN, "")


def pictures() -> Mapping[str, str]:
    """What predictions are drawn as."""
    return dict.fromkeys(PICTURES, "")


def checkpoints() -> Mapping[str, str]:
    """What converted weights are written as."""
    return dict.fromkeys(CHECKPOINTS, "torch")


def networks() -> Mapping[str, str]:
    """What a network is built as: as `ARTEFACTS` has it, which takes long to load."""
    weights = dict.fromkeys((".pt", ".safetensors"), "torch")
    return {**weights, ".py": "", ".onnx": "onnx", ".pt2": "torch", ".param": "torch"}


def graphs() -> Mapping[str, str]:
    """What a graph is written as."""
    return dict.fromkeys((".graphml", ".json", ".dot"), "")


def figures() -> Mapping[str, str]:
    """What a network is drawn as."""
    return dict.fromkeys(FIGURES, "")


def watched() -> Mapping[str, str]:
    """What `watch` writes: a .json file is of counts."""
    return {**figures(), **tables(drawn=False), **networks()}


class Read(click.Path):
    """A file, or a folder, that has to be there; `what` says of what kind."""

    def __init__(self, what: str, folder: bool = False) -> None:
        super().__init__(dir_okay=folder, file_okay=not folder)
        self.what = what

    def convert(self, value: Any, param: object, ctx: object) -> Path:
        if not (is_folder if self.dir_okay else is_file)(value):
            raise FileError(f"no {self.what} at {quoted(str(value), 200)}")
        return Path(value)


class Written(click.Path):
    """A file to write, of some kinds."""

    def __init__(self, kinds: Kinds) -> None:
        super().__init__(dir_okay=False)
        self.kinds = kinds

    def convert(self, value: Any, param: object, ctx: click.Context | None) -> Path:
        return checked_target(value, self.kinds(), ctx)


def checked_target(
    path: str | Path, kinds: Mapping[str, str] | None = None, ctx: click.Context | None = None
) -> Path:
    """A path that will be written; any suffix does without `kinds`.

    Raises `FileError` unless it can be and may be, and `HRNetGraphError` for an extra that lacks.
    """
    ctx = ctx or click.get_current_context()
    named, name = _named(ctx), str(path)
    kinds = {Path(name).suffix: ""} if kinds is None else kinds
    name = f"-{next(iter(kinds))}" if name == "-" else name
    suffix = check_suffix(name, kinds)
    if kinds[suffix]:
        require(kinds[suffix], f"writing {suffix}")
    target = Path(name)
    if name.startswith("-.") and suffix in PARTNERS:
        raise FileError(
            f"standard output takes one file, and {suffix} is two, with {PARTNERS[suffix]}",
            f"give a name: -o NAME{suffix}",
        )
    if name.startswith("-."):
        named.output = target = Path(ctx.with_resource(TemporaryDirectory())) / f"output{suffix}"
    for each in files_of(target):
        check_writable(each)
        if exists(each):
            if suffix in KEPT and not named.force:
                where = quoted(str(each), 200)
                hint = "give another name, or --force to replace it"
                raise FileError(f"{where} is there already", hint)
            named.replaced.add(target)
    return target


def is_replaced(path: Path) -> bool:
    """Whether a file that is written takes the place of another."""
    return path in _named(None).replaced


def is_output(path: Path) -> bool:
    """Whether a file stands for standard output."""
    return path == _named(None).output


def remember_force(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Keeps `--force` for the files that are named behind it."""
    _named(ctx).force = value


class Command(click.Command):
    """A command that never writes over what it reads, and hands on what was written to `-`."""

    def invoke(self, ctx: click.Context) -> Any:
        self._check(ctx)
        try:
            result = super().invoke(ctx)
        except (SystemExit, click.exceptions.Exit):
            _hand_on(ctx)
            raise
        _hand_on(ctx)
        return result

    def _check(self, ctx: click.Context) -> None:
        files = {
            kind: [
                ctx.params[param.name]
                for param in self.params
                if isinstance(param.type, kind) and ctx.params.get(param.name or "") is not None
            ]
            for kind in (Read, Written)
        }
        for read in files[Read]:
            for path in (each for written in files[Written] for each in files_of(written)):
                if exists(path) and path.samefile(read):
                    raise FileError(f"{quoted(str(path), 200)} is read, and cannot be written too")
        if _named(ctx).output and ctx.params.get("as_json"):
            raise HRNetGraphError("--json and a file on standard output: expected one of them")


def _hand_on(ctx: click.Context) -> None:
    """Copies to standard output what was written for it."""
    path = _named(ctx).output
    if path is None or not is_file(path):
        return
    if isinstance(sys.stdout, GuardedStream):
        sys.stdout.write_bytes(path.read_bytes())
    else:
        click.echo(path.read_bytes(), nl=False)
