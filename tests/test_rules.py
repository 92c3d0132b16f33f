"""Rules are found by themselves, and other packages add theirs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from plugged import lay_out_package

import hrnet_graph as hg
from hrnet_graph.rules.function import ROLES
from hrnet_graph.rules.registry import rules

PLUGIN = '''
from typing import Annotated
from annotated_types import Ge
from hrnet_graph.ir.builder import Builder, Value


def ghost(b: Builder, x: Value, channels: int, *, groups: Annotated[int, Ge(1)] = 1) -> Value:
    """One convolution and no shortcut."""
    return b.activation("act", b.norm("bn", b.conv("conv", x, channels * groups, kernel=3)))
'''


def test_every_rule_has_a_docstring_with_shapes_and_source() -> None:
    for role in ROLES:
        for rule in rules(role).values():
            text = rule.function.__doc__ or ""
            assert "->" in text, rule.name
            assert "Source: " in text, rule.name


def plug_in(folder: Path, entry: str) -> None:
    """A package with one block rule, as an installer lays it out."""
    points = f"[hrnet_graph.blocks]\n{entry}\n"
    lay_out_package(folder, "plugged", points, {"plugged": PLUGIN})


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); from hrnet_graph.cli.main import main; main()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_another_package_adds_a_block(tmp_path: Path) -> None:
    plug_in(tmp_path, "ghost = plugged:ghost")
    spec = ("hrnet_w18_small_v1_cls", "--set", "stages.1.block={kind: ghost, groups: 1}")
    result = run(tmp_path, "keys", *spec)
    assert "stage2.0.branches.1.1.conv.weight" in result.stdout, result.stderr
    wrong = run(tmp_path, "flops", spec[0], "--set", "stages.1.block={kind: ghost, groups: 0}")
    assert wrong.returncode == 2
    assert "stages.1.block.groups: expected at least 1, got 0" in wrong.stderr


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            "ghost = nowhere:ghost",
            "the block rule 'ghost' cannot be loaded from nowhere:ghost: ModuleNotFoundError: No",
        ),
        (
            "ghost = plugged:ghost\nghost = plugged:Builder",
            "two packages offer the block rule 'ghost': plugged:ghost and plugged:Builder",
        ),
        ("ghost = plugged:Builder", "the block rule 'ghost' of plugged:Builder: expected a func"),
    ],
)
def test_a_broken_package_is_named_where_its_rule_is_asked_for(
    tmp_path: Path, entry: str, message: str
) -> None:
    plug_in(tmp_path, entry)
    spec = ("flops", "hrnet_w18_small_v1_cls", "--set")
    result = run(tmp_path, *spec, "stages.1.block=ghost")
    assert result.returncode == 2
    assert result.stderr.startswith(f"--set stages.1.block=ghost: stages.1.block: {message}")
    assert result.stderr.count("\n") == 1
    assert run(tmp_path, *spec, "stages.1.block=basic").returncode == 0
    assert run(tmp_path, "schema").stderr.startswith(f"warning: {message}")
    unknown = run(tmp_path, *spec, "stages.1.block=gost")
    assert "unknown block 'gost'; did you mean 'ghost'? (known: adaptive, basic, " in unknown.stderr


def test_a_name_that_is_taken_is_told(tmp_path: Path) -> None:
    plug_in(tmp_path, "basic = plugged:ghost")
    keys = run(tmp_path, "keys", "hrnet_w18_small_v1_cls")
    assert "stage2.0.branches.0.0.conv2.weight" in keys.stdout
    told = run(tmp_path, "schema").stderr
    assert (
        told
        == "warning: the block rule 'basic' of plugged:ghost is never used: the name is taken\n"
    )


def test_a_widened_branch_reads_itself() -> None:
    spec = hg.load_spec("hrnet_w18_small_v1_cls", {"stages.2.channels": [24, 48, 64]})
    graph = hg.build_graph(spec)
    assert graph["transition2.0.0"].inputs == ("stage2.0.fuse_layers.0.act",)
    assert graph["transition2.1.0"].inputs == ("stage2.0.fuse_layers.1.act",)
    assert graph["transition2.2.0.0"].inputs == ("stage2.0.fuse_layers.1.act",)


def test_a_stage_may_have_a_fuse_of_its_own() -> None:
    bilinear = {"kind": "sum", "upsample": "bilinear"}
    spec = hg.load_spec("hrnet_w18_small_v1_cls", {"stages.2.fuse": bilinear})
    graph = hg.build_graph(spec)
    assert graph["stage3.0.fuse_layers.0.1.2"].op.label == "bilinear"
    assert graph["stage4.0.fuse_layers.0.1.2"].op.label == "nearest x2"


def test_the_module_view_keeps_every_module() -> None:
    from hrnet_graph.ir.hierarchy import collapse

    boxes = collapse(hg.build_graph("hrnet_w32_cls"), "module").boxes
    assert list(boxes) == [
        "input", "@stem", "layer1", "transition1", "stage2.0", "transition2", "stage3.0",
        "stage3.1", "stage3.2", "stage3.3", "transition3", "stage4.0", "stage4.1", "stage4.2",
        "@head",
    ]  # fmt: skip
