"""The command `hrnet-graph`, as a process of its own, and what it refuses within this one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

import hrnet_graph as hg
from hrnet_graph.cli.main import cli


def run(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the command; `env` is added to this process's own."""
    return subprocess.run(
        [sys.executable, "-m", "hrnet_graph", *map(str, arguments)],
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
