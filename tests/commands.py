"""The command `hrnet-graph`, as a process of its own, and what it refuses within this one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path

import forked
import pytest
import torch
import yaml
from click.testing import CliRunner
from dialects import WHOLE
from PIL import Image
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.cli.main import cli

EVERY = """list --json
show small.yaml
init hrnet_w18_cls --json
validate small.yaml
schema
keys small.yaml
flops small.yaml
flops small.yaml --by node --csv
flops --help
lsp --help
memory small.yaml
roofline small.yaml
field small.yaml
published --csv
diff small.yaml small.yaml
sweep small.yaml --vary width=4,8 --json
search small.yaml --vary width=4,8 --trials 2 --storage found.db --seed 0
fit small.yaml --macs 1e12 --vary width=4..8 --json
graph small.yaml -o a.graphml --json
render small.yaml -o a.svg --json
build small.yaml -o b.pt --seed 1 --json
build small.yaml --passes
bench small.yaml --targets torch
weights convert w.pth --to openmmlab -o c.pt --json
import hrnet_w18
predict small.yaml a.png -o d.png --json --seed 0 --weights a.pt
"""
"""Every command that ends by itself, with what it prints, in a folder that `fill` made."""

STAYING = """edit small.yaml --no-browser
watch small.yaml -o w.svg --json
"""
"""Those that stay until somebody ends them."""


@cache
def whole_weights() -> bytes:
    """A file of weights of a backbone as the repositories build it, which has other names, too."""
    content = BytesIO()
    torch.save(hg.build_module(hg.load_spec(WHOLE, {"head": "features"})).state_dict(), content)
    return content.getvalue()


def fill(folder: Path) -> None:
    """Writes what the lines of `EVERY` read."""
    (folder / "small.yaml").write_text(yaml.safe_dump(SMALL))
    hg.save(hg.build_module(SMALL), folder / "a.pt")
    (folder / "w.pth").write_bytes(whole_weights())
    Image.new("RGB", (64, 64)).save(folder / "a.png")


def run(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the command; `env` is added to this process's own."""
    given = [*map(str, arguments)]
    if env is None and (done := forked.run(given, cwd)):
        return done
    return subprocess.run(
        [sys.executable, "-m", "hrnet_graph", *given],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        check=False,
    )


def refused(arguments: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is said of bad arguments, in an empty folder that stays empty."""
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(cli, arguments)
    assert isinstance(result.exception, hg.HRNetGraphError | SystemExit)
    assert not list(folder.iterdir())
    return result.output + str(result.exception)
