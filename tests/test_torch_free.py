"""Without torch: what needs none works, and what does says so in one line, wherever it is asked."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from absent import ALL, run_without
from commands import EVERY
from shown import LINES, ROOT, command, written
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.extras import EXTRAS, install

REMEDY = install("torch")
NEED_TORCH = {
    "Network", "Prediction", "Preprocessor", "build_module", "compile", "compile_blocks",
    "cuda_graph", "freeze", "load_weights", "predict",
}  # fmt: skip
"""The public names that are nothing without torch, or without the images that come with it."""

CALLS = (
    "hg.load('net.pt')",
    "hg.load('net.onnx')",
    "hg.load_engine('net.pt')",
    "hg.load_engine('net.pt', target='torch-compile')",
    "hg.save(Model(hg.build_graph('small.yaml')), 'net.pt')",
    "hg.save(Model(hg.build_graph('small.yaml')), 'net.safetensors')",
    "hg.save(Model(hg.build_graph('small.yaml')), 'net.pt2')",
    "hg.save(Model(hg.build_graph('small.yaml')), 'net.onnx')",
    "importlib.import_module('hrnet_graph.detection')",
)
"""What can be called without torch, and needs it."""

ASKED = """
import importlib, json, pkgutil, sys
import hrnet_graph as hg
from hrnet_graph.compiler.model import Model

def said(ask):
    try:
        ask()
    except hg.HRNetGraphError as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""

def module(name):
    return lambda: importlib.import_module(name)

names, calls = json.load(sys.stdin)
found = {name: said(lambda: getattr(hg, name)) for name in names}
found |= {call: said(lambda: eval(call)) for call in calls}
modules = [each.name for each in pkgutil.walk_packages(hg.__path__, "hrnet_graph.", said)]
print(json.dumps([found, {name: said(module(name)) for name in modules}]))
"""

COMMANDS = """
import json, sys
from hrnet_graph.cli.main import main
found = {}
for line in json.load(sys.stdin):
    sys.argv = ["hrnet-graph", *line.split()]
    try:
        main()
    except SystemExit as end:
        found[line] = end.code or 0
    print("----", file=sys.stderr)
print("\\n" + json.dumps(found))
"""

BEHIND_A_DOOR = {
    "hrnet_graph.compiler.source.family": "is read, never imported",
    "hrnet_graph.editor.server": "by the command, once its extra is there",
    "hrnet_graph.engines.calibration": "by hrnet_graph.engines.compile",
    "hrnet_graph.engines.contributions": "by hrnet_graph.engines.compile",
    "hrnet_graph.engines.int8": "by hrnet_graph.engines.compile",
    "hrnet_graph.engines.mixed": "by hrnet_graph.engines.compile",
    "hrnet_graph.engines.planning": "by hrnet_graph.engines.compile",
    "hrnet_graph.engines.ncnn": "an engine starts once its packages are there",
    "hrnet_graph.engines.onnxruntime": "an engine starts once its packages are there",
    "hrnet_graph.engines.openvino": "as above",
    "hrnet_graph.engines.torch": "as above",
    "hrnet_graph.engines.torch_compile": "as above",
    "hrnet_graph.search.space": "by hrnet_graph.search.study",
    "hrnet_graph.search.claims": "by the command, once its extra is there",
    "hrnet_graph.search.storage": "by hrnet_graph.search.study",
    "hrnet_graph.search.study": "by the command, once its extra is there",
}
"""Modules that say nothing themselves, since whoever loads them has asked."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a torch-free person works: a spec, and weights that somebody sent."""
    folder = tmp_path_factory.mktemp("torch-free")
    (folder / "small.yaml").write_text(yaml.safe_dump(SMALL))
    hg.save(hg.build_module(SMALL), folder / "a.pt")
    (folder / "a.png").write_bytes(b"a picture, which is never opened")
    return folder


def ask(script: str, asked: object, folder: Path) -> tuple[Any, str]:
    """What a script answers where nothing is installed but the package and what it needs."""
    result = run_without(ALL, folder / "without", ["-c", script], folder, json.dumps(asked))
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1]), result.stderr


def test_names_calls_and_modules_say_what_they_need(folder: Path) -> None:
    (found, modules), _ = ask(ASKED, [hg.__all__, CALLS], folder)
    assert {name for name in hg.__all__ if found[name]} == NEED_TORCH
    for asked in (*NEED_TORCH, *CALLS):
        first, *others = found[asked].splitlines()
        assert " needs " in first, (asked, first)
        assert [line.strip() for line in others] in ([install(extra)] for extra in EXTRAS), asked
    silent = {name: said for name, said in modules.items() if "Error: " in said}
    assert silent.keys() == BEHIND_A_DOOR.keys(), silent
    assert modules["hrnet_graph.viz.render"] == modules["hrnet_graph.spec.load"] == ""


def test_every_command_works_or_says_what_it_needs(folder: Path) -> None:
    lines = EVERY.splitlines()
    found, said = ask(COMMANDS, lines, folder)
    needing = {
        line for line in lines if line.startswith(("bench", "predict", "search", "weights"))
    } | {"build small.yaml -o b.pt --seed 1 --json"}
    assert {line for line, code in found.items() if code} == needing
    assert "Traceback" not in said
    for line, text in zip(lines, said.split("----\n"), strict=False):
        if line in needing:
            first, last = text.splitlines()
            assert first.startswith("error: ")
            assert last.strip() == install("search" if line.startswith("search") else "torch")


ALONE = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
"""The surroundings of a process that finds no packages but those of its own environment."""


class Machine:
    """An environment in which nothing is installed but the wheel and what it needs."""

    def __init__(self, folder: Path) -> None:
        self.home, self.desk = folder / "environment", folder / "desk"
        self.desk.mkdir()
        build = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
        self._run(sys.executable, *build)
        (wheel,) = folder.glob("*.whl")
        self._run(sys.executable, "-m", "venv", str(self.home))
        self._run(str(self.program("python")), "-m", "pip", "install", "--quiet", str(wheel))

    def program(self, name: str) -> Path:
        return self.home / ("Scripts" if os.name == "nt" else "bin") / name

    @staticmethod
    def _run(*arguments: str) -> None:
        subprocess.run(arguments, check=True, capture_output=True, env=ALONE)

    def types(self, line: str) -> subprocess.CompletedProcess[str]:
        name, *arguments = shlex.split(command(line))
        if name == "python":
            arguments[0] = str(ROOT / arguments[0])
        return subprocess.run(
            [self.program(name), *arguments],
            cwd=self.desk,
            env={**ALONE, "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )

    def megabytes(self) -> float:
        """What was installed, without what installs."""
        (packages,) = self.home.glob("[Ll]ib/**/site-packages")
        left_out = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
        files = (
            path
            for each in packages.iterdir()
            if not each.name.startswith(left_out)
            for path in (each.rglob("*") if each.is_dir() else [each])
        )
        return sum(path.stat().st_size for path in files if path.is_file()) / 1e6


@pytest.mark.slow
def test_an_environment_of_its_own_is_small_and_has_all_that_needs_no_torch(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert machine.megabytes() < 120
    subprocess.run(
        [sys.executable, ROOT / "examples" / "stand_ins.py"], cwd=machine.desk, check=True
    )
    hg.save(hg.build_module("hrnet_w18_cls"), machine.desk / "mine.pt")
    for line in LINES:
        before = {path.name for path in machine.desk.iterdir()}
        done = machine.types(line)
        assert "Traceback" not in done.stderr, line
        if extra := re.search(r"# \[(\w+)\]", line):
            assert done.returncode == (1 if line.startswith("python ") else 2), line
            assert done.stderr.endswith(f"\n  {install(extra[1])}\n"), (line, done.stderr)
            assert {path.name for path in machine.desk.iterdir()} == before
        else:
            assert done.returncode == (1 if " diff " in line else 0), (line, done.stderr)
            assert all((machine.desk / name).stat().st_size for name in written(line))
        if " init " in line:
            (machine.desk / "mine.yaml").write_text("extends: hrnet_w32_cls\nwidth: 18\n")
    for name, starts in (("a.png", b"\x89PNG"), ("a.pdf", b"%PDF"), ("a.svg", b"<?xml")):
        assert machine.types(f"hrnet-graph render mine.yaml -o {name}").returncode == 0
        assert (machine.desk / name).read_bytes().startswith(starts)
    assert machine.types("hrnet-graph flops mine.pt").returncode == 0  # spec in weights
