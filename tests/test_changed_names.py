"""A network that was changed says so in its name, wherever that stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import run
from small import SMALL

import hrnet_graph as hg

NAME, CHANGED = "hrnet_w18_small_v1_cls", "hrnet_w18_small_v1_cls, width 4"


@pytest.mark.parametrize(
    ("changes", "marks"),
    [
        ({"width": 48}, ", width 48"),
        ({"stages.2.modules": 2, "head.classes": 10}, ", stages.2.modules 2, head.classes 10"),
        ({"stages": {1: {"channels": [18, 36]}}}, ", stages.1.channels 18-36"),
        ({"head": {"kind": "features"}}, ", head features"),
        ({"head": "features"}, ", head features"),
        ({"head.bias": False}, ", head.bias false"),
        ({"input.0": 1}, ", input.0 1"),
        ({"norm": "batch", "norm.momentum": 0.5}, ", norm.momentum 0.5"),
        ({"norm": "sync_batch", "norm.momentum": 0.5}, ", norm sync_batch, norm.momentum 0.5"),
        ({"fuse": {"upsample": "bilinear"}}, ", fuse.upsample bilinear"),
        ({"width": 32, "fuse.upsample": "nearest"}, ""),
        ({"input": [3, 64, 64]}, ""),
        ({"input.1": 64, "preprocess.resize": "stretch", "labels": None}, ""),
    ],
)
def test_overrides_mark_the_name(changes: dict[str, Any], marks: str) -> None:
    assert hg.load_spec("hrnet_w32_cls", changes).name == f"hrnet_w32_cls{marks}"
    if not any("." in key for key in changes):
        extending = hg.load_spec({"extends": "hrnet_w32_cls", **changes})
        assert extending.name == f"hrnet_w32_cls{marks}"


def test_a_stated_name_is_taken() -> None:
    assert hg.load_spec("hrnet_w32_cls", {"width": 48, "name": "mine"}).name == "mine"
    assert hg.load_spec({"extends": "hrnet_w32_cls", "width": 48, "name": "mine"}).name == "mine"


def test_later_changes_take_the_place_of_earlier_ones() -> None:
    spec = hg.load_spec(SMALL, {"width": 8, "head.classes": 3})
    spec = hg.load_spec(hg.load_spec(spec.dump()), {"width": 6, "activation": "silu"})
    assert spec.name == "small, width 6, head.classes 3, activation silu"
    assert spec.file_name == "small_width_6_head.classes_3_activation_silu"


def test_many_changes_are_counted() -> None:
    many = {f"stages.{i}.{key}": 2 for i in (1, 2) for key in ("modules", "blocks")}
    many |= {"stem.channels": 4, "head.features": 8, "head.classes": 3}
    many["stages.2.modules"] = 3
    spec = hg.load_spec(SMALL, many)
    assert spec.name == "small, changes 7"
    assert hg.load_spec(spec.dump()) == spec


def test_what_is_written_has_the_name(tmp_path: Path) -> None:
    model = hg.build_module(hg.load_spec(NAME, {"width": 4}))
    hg.save(model, tmp_path / "net.pt")
    assert hg.load(tmp_path / "net.pt").graph.name == CHANGED
    drawn = hg.render(model.graph, tmp_path / "net.dot")
    assert CHANGED in drawn.read_text()
    hg.save(model, tmp_path / "net.py")
    assert (tmp_path / "net.py").read_text().startswith(f'"""{CHANGED}, a high-resolution')


def test_commands_show_it(tmp_path: Path) -> None:
    def said(*arguments: object) -> str:
        done = run(*arguments, "--set", "width=4", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    assert said("flops", NAME).startswith(f"{CHANGED} at 3x224x224\n")
    assert json.loads(said("flops", NAME, "--json"))["name"] == CHANGED
    assert said("show", NAME).startswith(f"name: {CHANGED}\n")
    assert "wrote hrnet_w18_small_v1_cls_width_4.svg" in said("render", NAME)
    assert CHANGED in (tmp_path / "hrnet_w18_small_v1_cls_width_4.svg").read_text()
    (tmp_path / "mine.yaml").write_text(said("show", NAME))
    assert hg.load_spec(tmp_path / "mine.yaml").name == CHANGED


@pytest.mark.parametrize("name", ["a, b", "a,b c", "a, b c d", "a, ", "a, b c;d", 'a, b "c'])
def test_other_names_are_none(name: str) -> None:
    with pytest.raises(hg.SpecError, match="expected letters, digits"):
        hg.load_spec({**SMALL, "name": name})
