"""One broken rule file stops the specs that name it, in one sentence, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hrnet_graph

SMALL = "hrnet_w18_small_v1_cls"
HOME = Path(hrnet_graph.__file__).parent

IMPORTS = """\
from hrnet_graph.ir.builder import Builder, Value

"""
"""Two lines, so that a rule begins at line 3."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, into which one may write."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(HOME, folder / HOME.name, ignore=shutil.ignore_patterns("__pycache__"))
    if (HOME.parent / "specs").is_dir():
        (folder / "specs").symlink_to(HOME.parent / "specs")
    return folder


def run(house: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hrnet_graph", *arguments]
    return subprocess.run(command, cwd=house, capture_output=True, text=True, check=False)


BROKEN = [
    # (role, what the file says after its imports, line, the problem)
    ("block", "def odd(b, x, channels:\n", 3, "SyntaxError: '(' was never closed"),
    ("block", "SIZE = sise\n", 3, "NameError: name 'sise' is not defined"),
    (
        "block",
        "def _odd(b, x, channels): ...\n",
        1,
        "expected one public function, the rule, got none",
    ),
    (
        "block",
        "def odd(b, x, channels, *, bins=1): ...\n",
        3,
        "the option 'bins' has no type; expected bins: TYPE",
    ),
    (
        "block",
        "def odd(b, x, channels, *, kind: int = 1): ...\n",
        3,
        "no option can be named 'kind': `kind` names the rule itself",
    ),
    (
        "block",
        "def odd(b, x, channels, bins: int = 1): ...\n",
        3,
        "expected (b, x, channels, *, options): options are keyword-only, behind the `*`,"
        " got (b, x, channels, bins) in front of it",
    ),
    (
        "head",
        "def odd(b, maps, **bins: int): ...\n",
        3,
        "expected (b, maps, *, options): options are keyword-only, behind the `*`, each by its name",
    ),
    (
        "head",
        "def odd(b, maps, *, bins: 'Bins' = 1): ...\n",
        3,
        "an annotation does not resolve: name 'Bins' is not defined",
    ),
    (
        "head",
        "def odd(b, maps, *, bins: Builder = None): ...\n",
        3,
        "its options cannot be read from YAML: Unable to generate pydantic-core schema for",
    ),
    (
        "block",
        "def odd(b, x, channels):\n    return None\n",
        3,
        "expected it to return a value of the builder, got None",
    ),
    (
        "head",
        "def odd(b, maps):\n    return [None]\n",
        3,
        "expected it to return values of the builder, got [None]",
    ),
    (
        "block",
        "def odd(b, x, channels):\n    return b.convolution('conv', x)\n",
        4,
        "AttributeError: 'Builder' object has no attribute 'convolution'",
    ),
]
KEYS = {"block": "stages.1.block", "head": "head"}


@pytest.mark.parametrize(("role", "text", "line", "problem"), BROKEN)
def test_a_broken_rule_is_named_with_file_and_line(
    house: Path, role: str, text: str, line: int, problem: str
) -> None:
    path = house / "hrnet_graph" / "rules" / f"{role}s" / "odd.py"
    path.write_text(f"{IMPORTS}{text}")
    change = f"{KEYS[role]}=odd"
    try:
        result = run(house, "flops", SMALL, "--set", change)
    finally:
        path.unlink()
    assert result.returncode == 2
    first, *others = result.stderr.splitlines()
    assert not others
    assert first.startswith(f"--set {change}: {KEYS[role]}: the {role} rule 'odd' ")
    assert f" at {path}:{line}: {problem}" in first


def test_what_does_not_name_it_works_on(house: Path) -> None:
    path = house / "hrnet_graph" / "rules" / "heads" / "odd.py"
    path.write_text("def odd(:\n")
    try:
        assert run(house, "flops", "hrnet_w18_cls").returncode == 0
        assert run(house, "validate", SMALL).stdout == "1 spec is valid\n"
        assert "hrnetv2p_w18" in run(house, "list").stdout
        unknown = run(house, "validate", SMALL, "--set", "head=od").stderr
        assert "unknown head 'od'; did you mean 'odd'? (known: bottom_up, " in unknown
        schema = run(house, "schema")
    finally:
        path.unlink()
    assert schema.stderr.count("\n") == 1
    assert schema.stderr.startswith("warning: the head rule 'odd' cannot be loaded")
    assert '"classification"' in schema.stdout
    assert '"odd"' not in schema.stdout


def test_sizes_that_never_agree_are_the_rules_fault(house: Path) -> None:
    path = house / "hrnet_graph" / "rules" / "heads" / "odd.py"
    path.write_text("def odd(b, maps):\n    return b.sum('sum', maps[0], maps[1])\n")
    changes = ("stages.3.channels=[16,16,16,16]", "head=odd")
    try:
        result = run(house, "flops", SMALL, *(w for change in changes for w in ("--set", change)))
    finally:
        path.unlink()
    assert result.stderr == "--set head=odd: head: sum adds 28x28 to 56x56\n"


SIDE_PATH = """\
from hrnet_graph.rules.layers import conv_norm


def odd(b, x, channels):
    with b.scope("gate"):
        conv_norm(b, b.conv("squeeze", x, 1), 1)
    return conv_norm(b, x, channels)
"""


def test_a_side_path_that_is_dead_is_named(house: Path) -> None:
    path = house / "hrnet_graph" / "rules" / "blocks" / "odd.py"
    path.write_text(SIDE_PATH)
    changes = ("stages.1.blocks=1", "stages.1.block=odd", "stages.1.channels=[8, 16]")
    small = ("validate", SMALL, "--input", "32x32")
    try:
        result = run(house, *small, *(w for change in changes for w in ("--set", change)))
    finally:
        path.unlink()
    assert result.stdout == "1 spec is valid\n"
    first = "stages.1: stage2.0.branches.0.0.gate (and 1 more of stage2.0) reaches no output: "
    assert first in result.stderr
    macs = (8 + 1) * 8 * 8 + (16 + 1) * 4 * 4
    assert f" and {macs} MACs for nothing\n" in result.stderr
