"""A Python config with its bases, as mmengine puts them together."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hrnet_graph.errors import FileError, Mark, quoted
from hrnet_graph.files import is_file
from hrnet_graph.spec.importers.python.reader import bound_by
from hrnet_graph.spec.importers.python.statements import Statements
from hrnet_graph.spec.importers.python.values import (
    Box,
    NotUnderstood,
    Value,
    frozen,
    is_mapping,
    merged,
)
from hrnet_graph.spec.source import Located

MAX_BYTES = 512 * 1024
MAX_FILES = 50
MAX_BASES = 16
"""Bases of bases; the longest published chain is four."""
_ROOTS = ("configs", ".git", "setup.py", "pyproject.toml")


@dataclass
class Folders:
    """Where bases may be read, and what reading has cost so far."""

    roots: tuple[Path, ...]
    without_bases: bool = False
    files: int = 0
    steps: list[int] = field(default_factory=lambda: [0])


def read_python(path: Path, base: Path | None = None, *, without_bases: bool = False) -> Located:
    """Every name that a config and its bases give a value, as located data; nothing is run.

    What is not understood stands as `NotUnderstood` in its place. Bases are read in the tree of the
    file (up to its `configs` folder or repository) and in `base` alone. Raises `FileError` if the
    file, or a base of it, cannot be read.

    Source: mmengine 0.10, mmengine/config/config.py, `Config._file2dict` and `_parse_lazy_import`.
    """
    roots = (_tree(path), *((base,) if base else ()))
    folders = Folders(tuple(root.resolve() for root in roots), without_bases)
    try:
        return frozen(Box(dict(_names(path, folders, ())), Mark(str(path), 1, 1)))
    except RecursionError:
        raise FileError(f"{path}: nested too deeply to be read") from None


def _tree(path: Path) -> Path:
    """The folder that a config may read in: its own, or that which holds its repository's."""
    folder = path.resolve().parent
    for parent in (folder, *list(folder.parents)[:6]):
        if parent.name == "configs" or any((parent / name).exists() for name in _ROOTS):
            return parent
    return folder


def _names(path: Path, folders: Folders, above: tuple[Path, ...]) -> Mapping[str | int, Value]:
    """The names of one file, laid over those of its bases."""
    resolved = path.resolve()
    if resolved in above:
        raise FileError(f"{path}: the config is its own base in the end")
    folders.files += 1
    if len(above) >= MAX_BASES or folders.files > MAX_FILES:
        raise FileError(f"{path}: expected at most {MAX_BASES} bases of bases, {MAX_FILES} files")
    text = _read(path)
    module = _parse(path, text)
    statements = Statements(text, str(path), _words(path), folders.steps)
    statements.read_base = lambda imports: _imported(imports, path, folders, (*above, resolved))
    stated = None if folders.without_bases else _stated_bases(module, statements)
    bases: dict[str | int, Value] = {}
    start = Mark(str(path), 1, 1)
    for value, name in stated or ():
        new = _names(_base_path(name, path, value, folders), folders, (*above, resolved))
        data = {key for key, each in new.items() if not isinstance(each, NotUnderstood)}
        if twice := bases.keys() & data:
            message = f"{value.mark}: two bases give {quoted(min(map(str, twice)))} a value"
            raise FileError(message)
        kept = {key: statements.kept(each, module, anew=True) for key, each in new.items()}
        bases |= {key: _in_scope(each, name) for key, each in kept.items()}
    base = Box(bases, start, merges=True) if stated else None
    statements.follow(module, base)
    own: dict[str | int, Value] = {k: v for k, v in statements.names.items() if k != "_base_"}
    if base is None:
        return own
    if base.broken:
        raise FileError(f"{base.broken.mark}: `{base.broken.text}`: {base.broken.why}")
    result = merged(Box(own, start), base)
    assert isinstance(result.items, dict)
    return result.items


def _in_scope(value: Value, base: str) -> Value:
    """What a base such as `mmseg::fcn.py` gives, saying whose classes it means as mmengine does."""
    package, of_package, _ = base.partition("::")
    if of_package and isinstance(value, Box) and is_mapping(value) and "type" in value.items:
        assert isinstance(value.items, dict)
        value.items.setdefault("_scope_", Located(package, value.mark))
    return value


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise FileError(f"{path}: expected a config of at most {MAX_BYTES} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: expected UTF-8 text, got another byte at {error.start}") from None


def _parse(path: Path, text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or str(error) or "it is nested too deeply"
        mark = Mark(
            str(path), getattr(error, "lineno", None) or 1, getattr(error, "offset", 1) or 1
        )
        message = f"{mark}: expected a Python config, got what is no Python: {reason}"
        raise FileError(message) from None


def _words(path: Path) -> Mapping[str, str]:
    name = path.name
    return {
        "fileDirname": str(path.parent),
        "fileBasename": name,
        "fileBasenameNoExtension": path.stem,
        "fileExtname": path.suffix,
    }


def _stated_bases(module: ast.Module, reader: Statements) -> list[tuple[Value, str]]:
    """The bases that a file states in `_base_`, each with its place. Raises `FileError`."""
    statement = _base_statement(module, reader)
    if statement is None:
        return []
    value = reader.value(statement.value)
    inside = value.items if isinstance(value, Box) else None
    row = inside if isinstance(inside, list) else [value]
    for item in row:
        says = None if isinstance(item, Box | NotUnderstood) else item.value
        if not isinstance(says, str):
            raise FileError(f"{item.mark}: _base_: expected the path of a config")
    return [(item, str(item.value)) for item in row if isinstance(item, Located)]


def _base_statement(module: ast.Module, reader: Statements) -> ast.Assign | None:
    """The one statement `_base_ = ...`; mmcv's and mmengine's readers differ over any other."""
    bound = [part for part in ast.walk(module) if "_base_" in bound_by(part)]
    for statement in module.body:
        if isinstance(statement, ast.Assign) and statement.targets == bound:
            return statement
    if bound:
        mark = reader.mark(bound[-1])
        raise FileError(f"{mark}: _base_: expected one statement `_base_ = ...` and no other")
    return None


def _base_path(name: str, path: Path, value: Value, folders: Folders) -> Path:
    """The file of a base. Raises `FileError` if it is not there, or not where it may be read."""
    _, package, inside = name.rpartition("::")
    tries = [path.parent / name] if not package else []
    tries += [root / (inside if package else name) for root in folders.roots[1:]]
    plain = name.lstrip("./")
    tries += [root / plain for root in folders.roots[1:] if not package]
    there = [each for each in tries if is_file(each)]
    for each in there:
        if any(each.resolve().is_relative_to(root) for root in folders.roots):
            return each
    problem = "lies outside the config's own folders" if there else "is not there"
    raise FileError(
        f"{value.mark}: the base {quoted(name, 200)} {problem}",
        "--base DIR says where bases are; --ignore _base_ reads the file without them",
    )


def _imported(
    statement: ast.ImportFrom, path: Path, folders: Folders, above: tuple[Path, ...]
) -> Mapping[str, Value]:
    """What `from ..base import model` under `read_base()` gives."""
    mark = Mark(str(path), statement.lineno, statement.col_offset + 1)
    parts = (statement.module or "").split(".")
    up = "../" * (statement.level - 1) if statement.level else ""
    name = f"{up or './'}{'/'.join(parts)}.py"
    if folders.without_bases:
        return {}
    if not statement.level:  # of an installed package, wherever this file stands
        name = f"{parts[0]}::{'/'.join(parts[2:] if parts[1:2] == ['configs'] else parts[1:])}.py"
    there = _names(_base_path(name, path, Located(name, mark), folders), folders, above)
    names: dict[str, Value] = {}
    for alias in statement.names:
        if alias.name == "*":
            names |= {str(k): v for k, v in there.items() if not str(k).startswith("__")}
        elif alias.name in there:
            names[alias.asname or alias.name] = there[alias.name]
        else:
            raise FileError(f"{mark}: {quoted(name, 200)} has no {quoted(alias.name)}")
    return names
