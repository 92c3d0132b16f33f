"""Packages that are not there: what is installed, by extra, and processes that lack some of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Collection
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

ROOT = Path(__file__).parents[1]

OPTIONAL: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]
"""Extra -> what it installs, as pyproject.toml has it."""

LACKING = """
import sys
from importlib.machinery import PathFinder

class Without:
    @staticmethod
    def find_spec(name, path=None, target=None):
        absent = {absent!r}
        return None if name.partition(".")[0] in absent else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""
"""A `sitecustomize.py` after which packages are not there, in any process."""


def distributions(extra: str) -> set[str]:
    """The names of what an extra installs, and of what the extras that it takes in do."""
    found = set()
    for line in OPTIONAL[extra]:
        if inner := re.match(r"hrnet-graph\[(\w+)\]", line):
            found |= distributions(inner[1])
        else:
            found.add(_name(line))
    return found


def packages(extra: str) -> set[str]:
    """The same and what these need, by the names under which they are imported."""
    found, waiting = set[str](), distributions(extra)
    while waiting:
        found.add(name := waiting.pop())
        with suppress(PackageNotFoundError):
            lines = [line for line in requires(name) or () if "extra ==" not in line]
            waiting |= {_name(line) for line in lines} - found
    return {"PIL" if name == "pillow" else name for name in found}


def _name(line: str) -> str:
    """Of what a requirement is: `numpy>=1.26` -> `numpy`."""
    return re.split(r"[^\w.-]", line)[0].lower().replace("-", "_")


ALL = {
    *set().union(*(distributions(extra) for extra in OPTIONAL if extra != "test")),
    "PIL",
    "timm",
}
"""All that is not there where nothing but the package itself was asked for."""


def run_without(
    absent: Collection[str], hook: Path, arguments: list[str], cwd: Path, input: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs Python where packages are absent; `hook` is a folder that is made for it."""
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(LACKING.replace("{absent!r}", repr({*absent})))
    paths = (str(hook), str(ROOT), os.environ.get("PYTHONPATH", ""))
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        input=input,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
