"""Who may import whom: the house keeps its floors apart."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import hrnet_graph

ROOT = Path(hrnet_graph.__file__).parent

MAY_IMPORT = {
    "errors": set(),
    "files": {"errors"},
    "checks": {"errors"},
    "images": {"errors"},
    "version": set(),
    "notebook": {"errors", "ir", "spec", "compiler", "viz"},
    "ir": {"errors", "notebook"},
    "spec": {"errors", "files", "ir", "rules", "notebook"},
    "rules": {"errors", "ir"},
    "analysis": {"errors", "ir"},
    "compiler": {
        "analysis",
        "errors",
        "files",
        "ir",
        "notebook",
        "checks",
        "version",
        "rules",
        "spec",
    },
    "viz": {"errors", "files", "ir", "analysis"},
    "search": {"errors", "files", "ir", "spec", "compiler", "analysis"},
    "detection": {"errors", "spec", "compiler"},
    "engines": {"errors", "files", "checks", "images", "ir", "spec", "compiler"},
    "benchmark": {"errors", "ir", "spec", "compiler", "engines"},
    "prediction": {"errors", "files", "images", "spec", "compiler", "detection"},
    "cli": {
        "search",
        "prediction",
        "errors",
        "files",
        "ir",
        "spec",
        "compiler",
        "analysis",
        "viz",
        "rules",
        "version",
        "engines",
        "benchmark",
    },
    "__main__": {"cli"},
    "__init__": {
        "version",
        "errors",
        "ir",
        "spec",
        "compiler",
        "analysis",
        "viz",
        "prediction",
        "engines",
    },
}
"""Part of the package -> the other parts that it may import; `notebook` imports when it is asked."""


def imports(path: Path) -> set[str]:
    """The modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


FILES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_imports_what_its_part_may(path: Path) -> None:
    part = path.parts[0].removesuffix(".py")
    for module in imports(ROOT / path):
        if module.startswith("hrnet_graph."):
            other = module.split(".")[1]
            assert other == part or other in MAY_IMPORT[part], module


@pytest.mark.parametrize("path", FILES, ids=str)
def test_torch_and_onnx_are_for_their_lowerings_alone(path: Path) -> None:
    third_party = {module.split(".")[0] for module in imports(ROOT / path)}
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


STANDARD = {"__future__", "abc", "collections", "contextlib", "dataclasses", "functools",
            "importlib", "math", "sys", "typing"}  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=str)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = (ROOT / path).read_text()
    assert len(text.splitlines()) <= 350
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
