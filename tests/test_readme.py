"""What the README shows works as it stands: its Python runs, and so does each of its commands."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import pytest
import torch
from absent import ALL, OPTIONAL, packages, run_without
from shown import LINES, PYTHON, README, ROOT, SHOWN, command, written

import hrnet_graph as hg

LONG = re.compile(
    r"hrnet-graph (bench|build|edit|predict|search|watch|weights)|python |.*(--verify|\.pt2)"
)
"""The lines that build or run a network, which take longer."""

INTERRUPTED = """
import os, signal, threading
from hrnet_graph.cli.main import main
timer = threading.Timer(20, os.kill, (os.getpid(), signal.SIGINT))
timer.daemon = True
timer.start()
main()
"""
"""Runs a command that stays until Ctrl-C."""


def test_every_line_is_run_and_none_writes_anothers_file() -> None:
    assert len(PYTHON) == 3
    assert len(SHOWN) == len(LINES) + 1
    assert all(line.startswith(("hrnet-graph ", "python ")) for line in LINES)
    files = [file for line in LINES for file in written(line)]
    assert sorted(files) == sorted(set(files))
    assert all(f"`{extra}`" in README for extra in OPTIONAL.keys() - {"test"})
    named = set(re.findall(r"# \[(\w+)\]", README))
    assert named <= OPTIONAL.keys()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after the README's second command, in which `init` has run and its spec is edited."""
    folder = tmp_path_factory.mktemp("readme")
    subprocess.run([sys.executable, ROOT / "examples" / "stand_ins.py"], cwd=folder, check=True)
    (folder / "mine.yaml").write_text("extends: hrnet_w32_cls\nwidth: 18\n")
    hg.save(hg.build_module(folder / "mine.yaml"), folder / "mine.pt")
    return folder


@pytest.mark.slow
def test_python_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    for statement in ast.parse("".join(PYTHON)).body:
        text = ast.unparse(statement)
        if ".cuda()" in text and not torch.cuda.is_available():
            continue
        exec(text, names)
    assert isinstance(names["model"], hg.Network)
    assert names["report"].renamed == ()
    assert {path.name for path in folder.iterdir()} >= {"w48.svg", "w48.pt", "w48.onnx", "out.png"}


def run_line(
    line: str, folder: Path, without: AbstractSet[str]
) -> subprocess.CompletedProcess[str]:
    """Runs a line where some packages are absent."""
    program, *arguments = shlex.split(command(line))
    start = ["-m", "hrnet_graph"] if program == "hrnet-graph" else [str(ROOT / arguments.pop(0))]
    if arguments[0] in ("edit", "watch"):
        start = ["-c", INTERRUPTED]
    result = run_without(without, folder / "without", [*start, *arguments], folder)
    shutil.rmtree(folder / "without")
    return result


@pytest.mark.parametrize(
    "line", [pytest.param(x, marks=[pytest.mark.slow] if LONG.match(x) else []) for x in LINES]
)
def test_lines_work_with_the_extra_beside_them_alone(
    line: str, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True, copy_function=os.link)
    for name in written(line):  # what later lines read, a line before them writes
        (tmp_path / name).unlink(missing_ok=True)
    before = {path.name for path in tmp_path.iterdir()}
    others = set(ALL)
    extra = re.search(r"# \[(\w+)\]", line)
    if extra is not None:
        result = run_line(line, tmp_path, others)
        assert result.returncode == (1 if line.startswith("python ") else 2), result.stderr
        assert "Traceback" not in result.stderr
        assert f"pip install 'hrnet-graph[{extra[1]}]'" in result.stderr
        assert {path.name for path in tmp_path.iterdir()} == before
        others -= packages(extra[1])
    result = run_line(line, tmp_path, others)
    assert result.returncode == (1 if " diff " in line else 0), result.stderr
    made = {path.name for path in tmp_path.iterdir()} - before
    assert made == ({"runs"} if line.startswith("python ") else written(line))
    assert all((tmp_path / name).stat().st_size for name in made)
