"""Who may import whom: the house keeps its floors apart, and no files form a circle."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path
from typing import TypeGuard

import pytest

import hrnet_graph

ROOT = Path(hrnet_graph.__file__).parent
FILES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))

READ_AS_TEXT = Path("compiler/source/family.py")
"""The library of which source is made: tests alone import it."""
HOUSE = ROOT.name

FLOORS = (
    ("ground",),
    ("ir",),
    ("rules",),
    ("spec",),
    ("analysis", "compiler", "viz", "images"),
    ("engines", "detection", "language"),
    ("artefacts",),
    ("prediction", "search", "benchmark", "editor", "lsp"),
    ("__init__",),
    ("cli",),
    ("__main__",),
)
"""From the ground up; what stands on a floor imports from the floors below it. `ground` is every
file beside the packages, but for those named here; `__init__` is the face, the public names."""

BESIDE: Mapping[str, set[str]] = {"compiler": {"analysis"}, "viz": {"analysis", "compiler"}}
"""What may be imported of the same floor."""

ALONE: Mapping[str, set[str]] = {
    "ir": {"errors", "choices", "late", "plug_ins"},
    "rules": {"errors", "ir", "plug_ins"},
    "analysis": {"errors", "checks", "choices", "late", "precision", "ir", "spec"},
}
"""Parts that import less than the floors below them hold."""

IN_COMPILER: Mapping[str, set[str]] = {
    "initialisation": set(),
    "misfit": set(),
    "blocks": set(),
    "outputs": set(),
    "network": {"initialisation", "blocks", "outputs"},
    "build": {"misfit", "network"},
    "check": {"build"},
    "random_weights": set(),
    "weights": {"random_weights", "build"},
    "model": {"build", "passes", "product", "random_weights"},
    "product": set(),
    "passes": {"product"},
    "source": set(),
    "names": set(),
    "state": set(),
    "onnx": {"names", "state"},
    "ncnn": {"names", "product", "state"},
    "checkpoints": {"torch", "random_weights", "weights", "model"},
    "torch": {"build", "model", "passes", "checkpoints", "random_weights", "weights"},
}
"""Sub-package of `compiler` (or `build.py`) -> the others that it may import."""

NAMED = {
    "__init__.py": "the public names, each loaded when it is first used",
    "late.py": "what a floor asks of a higher one when a user does",
    "rules/registry.py": "a rule, when a spec names it",
    "compiler/onnx/emitters.py": "another package's emitter, when an op of that package names it",
    "compiler/torch/layers.py": "a layer of another file, when an op names it",
    "cli/main.py": "a command, when it is asked for",
    "engines/engine.py": "an engine, when it is asked for",
    "search/study.py": "a user's objective",
    "benchmark/worker.py": "a library to measure",
}
"""File -> what it imports by a name that is no literal."""


def _name(path: Path) -> str:
    """`ir/ops/__init__.py` -> `hrnet_graph.ir.ops`."""
    return ".".join((HOUSE, *path.with_suffix("").parts)).removesuffix(".__init__")


MODULES = {_name(path): path for path in FILES}


@cache
def imports(path: Path) -> frozenset[str]:
    """The modules that a file imports, in functions and by literal names too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: a relative import"
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            found |= inner or {str(node.module)}
        elif _is_import_call(node) and isinstance(node.args[0], ast.Constant):
            found.add(str(node.args[0].value))
    return frozenset(found)


def _is_import_call(node: ast.AST) -> TypeGuard[ast.Call]:
    if not isinstance(node, ast.Call) or not node.args:
        return False
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    return name in ("import_module", "__import__")


def arrows(path: Path) -> frozenset[str]:
    """The modules of this package that a file imports."""
    return frozenset(name for name in imports(ROOT / path) if name.split(".")[0] == HOUSE)


def part_of(module: str) -> str:
    """`hrnet_graph.ir.ops` -> `ir`, `hrnet_graph.errors` -> `errors`, the face -> `__init__`."""
    return (*module.split("."), "__init__")[1]


def floor_of(part: str) -> int:
    return next((i for i, floor in enumerate(FLOORS) if part in floor), 0)


def may_import(part: str, other: str) -> bool:
    if part in ALONE:
        return other in ALONE[part]
    beside = floor_of(other) == floor_of(part)
    return floor_of(other) < floor_of(part) or (
        beside and (floor_of(part) == 0 or other in BESIDE.get(part, set()))
    )


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_imports_what_its_floor_may(path: Path) -> None:
    part = part_of(_name(path))
    for module in arrows(path):
        other = part_of(module)
        assert other == part or may_import(part, other), module


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.parts[0] == "compiler" and p != READ_AS_TEXT], ids=str
)
def test_a_part_of_the_compiler_imports_what_it_may(path: Path) -> None:
    part = path.parts[1].removesuffix(".py")
    for module in arrows(path):
        if module.startswith(f"{HOUSE}.compiler.") and part in IN_COMPILER:
            other = module.split(".")[2]
            assert other == part or other in IN_COMPILER[part], module


def test_what_is_imported_by_a_computed_name_is_known() -> None:
    found = set()
    for path in FILES:
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            if _is_import_call(node) and not isinstance(node.args[0], ast.Constant):
                found.add(path.as_posix())
    assert found == NAMED.keys()


def in_circles(graph: Mapping[str, AbstractSet[str]]) -> set[str]:
    """What remains once all that reads nothing, or is read by nobody, is taken away in turn."""
    left = {name: read & graph.keys() - {name} for name, read in graph.items()}
    while left:
        read = set().union(*left.values())
        free = {name for name, inner in left.items() if not inner or name not in read}
        if not free:
            break
        left = {name: inner - free for name, inner in left.items() if name not in free}
    return set(left)


def test_no_files_form_a_circle() -> None:
    graph = {name: arrows(path) for name, path in MODULES.items()}
    assert in_circles(graph) == set()


def test_a_circle_would_be_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set[str](), "e": {"a"}}
    assert in_circles(graph) == {"b", "c"}
    assert in_circles({**graph, "c": {"d"}}) == set()


def test_contributing_draws_the_house_as_it_is() -> None:
    text = (ROOT.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    picture = text.split(f"```\n{HOUSE}/\n")[1].split("```")[0]
    drawn, around = set(), {0: ""}
    for line in picture.splitlines():
        match = re.fullmatch(r"( +)([a-z_]+/|[a-z_]+\.py)( .*)?", line)
        if match:
            depth = len(match[1]) // 2
            drawn.add(around[depth - 1] + match[2])
            around[depth] = around[depth - 1] + match[2]
    there = {f"{path.parent.as_posix()}/" for path in FILES} - {"./"}
    there |= {path.name for path in FILES if len(path.parts) == 1 and path.name[0] != "_"}
    there |= {
        path.as_posix() for path in FILES if path.parts[0] == "compiler" and len(path.parts) == 2
    }
    assert drawn == {name for name in there if not name.endswith("__init__.py")}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_torch_and_onnx_are_for_their_lowerings_alone(path: Path) -> None:
    third_party = {module.split(".")[0] for module in imports(ROOT / path)}
    if path == READ_AS_TEXT:
        return
    if path.parts[:2] not in (("compiler", "torch"), ("compiler", "checkpoints")) and path.parts[
        0
    ] not in (
        "prediction",
        "detection.py",
        "engines",
        "benchmark",
    ):
        assert not {"torch", "safetensors"} & third_party
    if path.parts[:2] != ("compiler", "onnx") and path.parts[0] != "engines":
        assert "onnx" not in third_party
    if path.parts[0] == "ir":
        assert third_party <= {"hrnet_graph", "networkx", *STANDARD}


STANDARD = {"ast", "__future__", "abc", "collections", "contextlib", "copy", "dataclasses", "fractions", "functools",
            "graphlib", "heapq", "importlib", "itertools", "math", "sys", "typing"}  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=str)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = (ROOT / path).read_text()
    is_rule = path.parts[0] == "rules" and len(path.parts) == 3
    assert len(text.splitlines()) <= (120 if is_rule else 350)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            docstring = ast.get_docstring(node) or ""
            length = node.end_lineno - node.lineno - len(docstring.splitlines())
            assert length <= 40, node.name


TESTS = sorted(Path(__file__).parent.glob("*.py"))


def test_files_of_tests_stay_small_too() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in TESTS}
    assert not {name for name, length in lengths.items() if length > 350}


def test_files_of_tests_share_what_stands_beside_them() -> None:
    for path in TESTS:
        assert not {module for module in imports(path) if module.startswith("test_")}, path.name
