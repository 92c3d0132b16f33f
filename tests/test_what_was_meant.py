"""Messages that know what was meant: the size, the form, the part, and the place that is to blame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from broken_specs import GOOD
from commands import refused, run
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.ir.sizes import nearest_size
from hrnet_graph.spec.load import load_with, read_override
from hrnet_graph.viz.select import find_part


@pytest.mark.parametrize("size", [[224, 224, 3], [512, 64, 1], [96, 128, 4]])
def test_channels_last_are_told_as_that(size: list[int]) -> None:
    right = [size[2], *size[:2]]
    message = f"expected channels first, got {size}; write {right}"
    with pytest.raises(hg.SpecError) as caught:
        hg.load_spec("hrnet_w32_cls", {"input": size})
    assert str(caught.value) == f"overrides: input: {message}"
    assert hg.load_spec("hrnet_w32_cls", {"input": right}).input == tuple(right)


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((1, 64, 64, 3), "its channels come last: give x.permute(0, 3, 1, 2)"),
        ((64, 64, 3), "its channels come last: give x.permute(2, 0, 1)[None]"),
        ((3, 64, 64), "it is one image, and no batch: give x[None]"),
        ((1, 5, 64, 64), ""),
    ],
)
def test_images_of_another_order(shape: tuple[int, ...], hint: str) -> None:
    model = hg.build_module(SMALL)
    x = torch.zeros(shape)
    with pytest.raises(hg.InputError) as caught:
        model(x)
    assert caught.value.hint == hint
    if hint:
        assert model(eval(hint.partition("give ")[2], {"x": x})).shape == (1, 5)


@pytest.mark.parametrize(
    ("size", "meant"),
    [
        ((250, 192), (256, 192)),
        ((65, 96), (64, 96)),
        ((225, 224), (224, 224)),
        ((100, 333), (96, 320)),
        ((7, 9), (32, 32)),
        ((1079, 1920), (1088, 1920)),
    ],
)
def test_the_size_that_is_meant(size: tuple[int, int], meant: tuple[int, int]) -> None:
    assert nearest_size(hg.build_graph("hrnet_w18_small_v1_cls"), *size) == meant


def test_steps_are_those_of_the_network() -> None:
    five = {"branches": 5, "block": "basic"}
    graph = hg.build_graph({**SMALL, "stages": [*SMALL["stages"], {"branches": 4}, five],
                            "head": "features"}, (64, 64))  # fmt: skip
    assert nearest_size(graph, 100, 230) == (128, 256)
    assert nearest_size(hg.build_graph(SMALL), 102, 230) == (96, 224)


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ("224", "224x224"),
        ("256x192", "256x192"),
        ("256X192", "256x192"),
        ("256,192", "256x192"),
        ("256, 192", "256x192"),
        ("256 x 192", "256x192"),
        ("256×192", "256x192"),
    ],
)
def test_sizes_in_every_spelling(given: str, size: str) -> None:
    done = run("flops", "hrnet_w18_small_v1_cls", "--input", given)
    assert done.stdout.startswith(f"hrnet_w18_small_v1_cls at 3x{size}\n"), done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "width", "48"], "--set width: expected KEY=VALUE, such as width=48"),
        (["--set", "width 64"], "--set width 64: expected KEY=VALUE, such as width=64"),
        (["--set", "head.classes: 9"], "expected KEY=VALUE, such as head.classes=9"),
        (["--set", "{a: b}"], "expected KEY=VALUE, such as width=48"),
        (["--input", "3x224x224"], "expected HEIGHTxWIDTH in pixels, such as 256x192"),
        (["--input", "224xx224"], "expected HEIGHTxWIDTH in pixels, such as 256x192"),
    ],
)
def test_forms_are_answered_with_the_right_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    assert message in refused(["flops", "hrnet_w32_cls", *arguments], tmp_path, monkeypatch)


@pytest.mark.parametrize("size", [224, (3, 224, 224), "224x224", None])
def test_input_size_of_a_wrong_form(size: Any) -> None:
    if size is None:
        assert hg.build_graph(SMALL, np.array([64, 32]).tolist()).input.type.size == (64, 32)
    else:
        with pytest.raises(
            hg.HRNetGraphError, match=r"input_size: expected \(height, width\), got"
        ):
            hg.build_graph(SMALL, size)


def test_stage1_is_the_first_stage() -> None:
    graph = hg.build_graph("hrnet_w18_small_v1_cls")
    assert find_part(graph, "stage1") == find_part(graph, "layer1") == "layer1"
    assert find_part(graph, "stage3") == "stage3"
    behind = hg.build_graph({**SMALL, "backbone": "backbone"})
    assert find_part(behind, "stage1") == "backbone.layer1"
    with pytest.raises(hg.HRNetGraphError, match="no part 'stage5'"):
        find_part(graph, "stage5")


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("conv1", "; did you mean '@stem.conv1'?"),
        ("classifier", "; did you mean '@head.classifier'?"),
        ("@head.clasifier", "; did you mean '@head.classifier'?"),
        ("nothing like it", ""),
    ],
)
def test_a_node_that_is_not_there(path: str, near: str) -> None:
    with pytest.raises(KeyError) as caught:
        hg.build_graph(SMALL)[path]
    assert isinstance(caught.value, hg.HRNetGraphError)
    assert str(caught.value) == f"no node '{path}' in small{near}"


FINE = f"{GOOD.replace('64, 64', '66, 64')}fuse: {{upsample: bilinear}}\n"


@pytest.mark.parametrize(
    ("child", "changes", "place"),
    [
        ("fuse: {upsample: nearest}", [], "child.yaml:2:18: input: 66x64 does not fit"),
        ("width: 8", ["fuse.upsample=nearest"], "--set fuse.upsample=nearest: input: 66x64"),
        ("", ["width=8", "fuse=sum", "norm.eps=1"], "--set fuse=sum: input: 66x64 does not fit"),
        ("fuse: sum\nwidth: 8", ["width=2"], "child.yaml:2:7: input: 66x64 does not fit"),
        ("stages: {0: {branches: 2}}", [], "child.yaml:2:24: stages.0.channels: expected 2"),
        ("", ["stages.0.branches=2"], "--set stages.0.branches=2: stages.0.channels: expected 2"),
        ("width: 8\nnorm: {kind: group, groups: 3}", [], "child.yaml:3:29: norm.groups: "),
        ("norm: {kind: group}", ["width=8"], "child.yaml:2:7: norm.groups: missing"),
        ("head: {klasses: 4}", [], "child.yaml:2:8: head.klasses: unknown key"),
        ("head: {classes: x}", ["width=8"], "child.yaml:2:17: head.classes: expected an integer"),
    ],
)
def test_an_error_stands_where_the_person_wrote_it(
    tmp_path: Path, child: str, changes: list[str], place: str
) -> None:
    (tmp_path / "base.yaml").write_text(FINE)
    hg.build_graph(tmp_path / "base.yaml")
    (tmp_path / "child.yaml").write_text(f"extends: base.yaml\n{child}\n")
    with pytest.raises(hg.SpecError) as caught:
        hg.build_graph(load_with(tmp_path / "child.yaml", map(read_override, changes)))
    assert str(caught.value).replace(f"{tmp_path}/", "").startswith(place)


def test_a_warning_stands_there_too(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "extends: hrnet_w18_small_v1_cls\nhead: {kind: heatmap, joints: 3}\n"
    )
    done = run("validate", "mine.yaml", "--set", "width=8", cwd=tmp_path)
    assert done.stderr.startswith("warning: mine.yaml:2:7: stages.3: stage4.0 fuse 1, 2, 3 reaches")


def test_a_mapping_may_extend_a_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(GOOD)
    graph = hg.build_graph({"extends": "mine.yaml", "head": {"classes": 7}})
    assert (graph.name, graph["@head.classifier"].type.shape) == ("mine, head.classes 7", (7,))
    with pytest.raises(hg.SpecError, match=r"^spec: extends: no spec named 'hrnet_w33_cls'"):
        hg.load_spec({"extends": "hrnet_w33_cls"})
    with pytest.raises(hg.SpecError, match=r"^spec: extends: expected the name or the path"):
        hg.load_spec({"extends": 3})
    with pytest.raises(hg.SpecError, match=r"^overrides: extends: no change of a spec: give the"):
        hg.load_spec("mine.yaml", {"extends": "hrnet_w18_cls"})
