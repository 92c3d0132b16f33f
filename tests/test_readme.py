"""What the README shows works as it stands: its Python runs, and so does each of its commands."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import run
from foreign import extra
from PIL import Image

import hrnet_graph as hg

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
LINES = "".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)).splitlines()
COMMANDS = [line.partition("  #")[0].strip() for line in LINES]
LONG = re.compile(r"hrnet-graph (bench|search)|python |.*(--verify|\.pt2)$")
"""The commands that take more than ten seconds."""

EXPERIMENT = {
    "MODEL": {"NAME": "cls_hrnet", "IMAGE_SIZE": [224, 224], "EXTRA": extra(48, first=True)},
}


def test_every_command_that_is_shown_is_run_or_known() -> None:
    assert len(PYTHON) == 3
    others = [line for line in COMMANDS if not line.startswith(("hrnet-graph ", "python "))]
    assert others == ["make demo", "make test", "pip install ."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the README's lines read."""
    folder = tmp_path_factory.mktemp("readme")
    photo = Image.open(ROOT / "examples" / "astronaut.jpg")
    photo.save(folder / "photo.jpg")
    for kind in ("person", "rocket"):
        (folder / "photos" / kind).mkdir(parents=True)
        for i in range(4):
            photo.resize((64, 64)).save(folder / "photos" / kind / f"{i}.jpg")
    torch.save(hg.build_module("hrnet_w32_cls").state_dict(), folder / "w.pth")
    (folder / "mine.yaml").write_text("extends: hrnet_w32_cls\nwidth: 18\n")
    hg.save(hg.build_module(folder / "mine.yaml"), folder / "mine.pt")
    (folder / "experiment.yaml").write_text(json.dumps(EXPERIMENT))
    return folder


@pytest.mark.slow
def test_python_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    hg.save(hg.build_module("hrnet_w32_cls", weights="w.pth"), "w48.onnx")
    names: dict[str, Any] = {"image": torch.zeros(1, 3, 224, 224)}
    if torch.cuda.is_available():
        names["image"] = names["image"].cuda()
    for statement in ast.parse("".join(PYTHON)).body:
        text = ast.unparse(statement)
        if ".cuda()" in text and not torch.cuda.is_available():
            continue
        try:
            exec(text, names)
        except hg.HRNetGraphError as error:
            assert re.fullmatch(r"openvino has no \w+ on this processor: .*", error.message)
    assert isinstance(names["model"], hg.Network)
    assert names["report"].renamed == ()
    assert {path.name for path in folder.iterdir()} >= {"w48.svg", "w48.pt", "out.png"}


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(line, marks=[pytest.mark.slow] if LONG.match(line) else [])
        for line in COMMANDS
        if line.startswith(("hrnet-graph ", "python "))
    ],
)
def test_commands_run(line: str, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True, copy_function=os.link)
    program, *arguments = shlex.split(line)
    if program == "python":
        arguments[0] = str(ROOT / arguments[0])
        result = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
    else:
        if "init" in arguments:
            (tmp_path / "mine.yaml").unlink()
        result = run(*arguments, cwd=tmp_path)
    assert result.returncode == (1 if "diff" in arguments else 0), result.stderr
    if "-o" in arguments:
        assert (tmp_path / arguments[arguments.index("-o") + 1]).stat().st_size
