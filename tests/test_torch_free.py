"""Without torch: what needs none works, and what does says so in one line, wherever it is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from absent import ALL, run_without
from commands import EVERY
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.extras import EXTRAS, install

REMEDY = install("torch")
NEED_TORCH = {
    "Network", "Prediction", "Preprocessor", "build_module", "compile", "cuda_graph", "freeze",
    "load_weights", "predict",
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
    "hrnet_graph.engines.calibration": "by hrnet_graph.engines.compile",
    "hrnet_graph.engines.int8": "by hrnet_graph.engines.compile",
    "hrnet_graph.engines.onnxruntime": "an engine starts once its packages are there",
    "hrnet_graph.engines.openvino": "as above",
    "hrnet_graph.engines.torch": "as above",
    "hrnet_graph.engines.torch_compile": "as above",
    "hrnet_graph.search.space": "by hrnet_graph.search.study",
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
