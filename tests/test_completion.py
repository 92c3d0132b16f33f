"""What editors offer while one types: what fits at a place, in a text that may be broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from cursors import W32, accept, entries, labels, offered

import hrnet_graph as hg
from hrnet_graph.language.complete import complete
from hrnet_graph.language.outline import outline
from hrnet_graph.language.tokens import BREAK
from hrnet_graph.rules.function import ROLES
from hrnet_graph.rules.registry import names, rules
from hrnet_graph.spec.catalogue import find
from hrnet_graph.spec.source import MAX_BYTES, parse

NORMS = ["batch", "sync_batch", "frozen_batch", "group", "layer", "instance", "none"]

HEADS = [*names("head")]
STAGE = ["block", "branches", "modules", "blocks", "channels", "multiples", "strides", "preactivated",
         "outputs", "transition", "fuse"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("|", ["extends", "input", "stages", "head", "name", "backbone", "width", "stem"]),
        ("inp|", ["input"]),
        ("input: [3, 64, 64]\n|", ["stages", "head", "name", "backbone", "width", "stem"]),
        ("stages: []\nw|", ["width"]),
        ("wi|dth: 32\n", ["width"]),
        ("\n\n|\nwidth: 32", ["input", "stages", "head", "name", "backbone", "stem"]),
        ("width: 32\next|", ["extends"]),
        (f"{W32}\n|", ["name", "input", "backbone", "width", "stem", "stages"]),
        ("head: |", HEADS),
        ("head:|", HEADS),
        ("head: {|", ["kind"]),
        ("head: {|}\nnorm: batch", ["kind"]),
        ("head: {kind: |", HEADS),
        ("head: {kind: |}", HEADS),
        ("head: {kind: |\nnorm: batch\nstages:\n", HEADS),
        ("head: {kind: seg|\nnorm: batch", ["segmentation"]),
        ("head: {kind: ocr, |", ["classes", "align_corners", "features", "keys"]),
        ("head: {kind: ocr, align_corners: |, classes: 3}", ["true", "false"]),
        ("head: {align_corners: true, kind: ocr, |", ["classes", "features", "keys", "dropout"]),
        ("head:\n  kind: ocr\n  |", ["classes", "align_corners", "features", "keys"]),
        ("head:\n  |\n  kind: ocr\nwidth: 3", ["classes", "align_corners", "features"]),
        ("head:\n  cl|\n  kind: ocr", ["classes"]),
        ("head:\n  kind: |\nwidth: 3", HEADS),
        ("fuse:\n  |", ["kind", "upsample", "downsample", "two_steps"]),
        ("fuse:\n  ali|\nwidth: 3", ["align_corners"]),
        (f"{W32}head:\n  cla|", ["classes", "classification"]),
        ("stages:\n  - block:\n      squ|", ["squeeze_excite"]),
        ("stages:\n  - fuse:\n      |", ["kind", "upsample"]),
        (f"{W32}head: {{|}}", ["kind", "classes", "channels", "features", "bias"]),
        (f"{W32}head: {{kind: landmark, |}}", ["points", "align_corners", "kernel"]),
        ("stages:\n  - |", STAGE),
        ("stages:\n- |", STAGE),
        ("stages:\n  - {block: basic, |\n  - {block: basic}", STAGE[1:]),
        ("stages:\n  - block: basic\n    |\nhead: ocr", STAGE[1:]),
        ("stages:\n  - block: basic\n    |\n    modules: 2\n", [*STAGE[1:2], *STAGE[3:]]),
        ("stages: [{block: basic}, {|", STAGE),
        ("stages:\n  - {block: |", [*rules("block")][:2]),
        ("stages:\n  - {block: {|", ["kind", "groups", "dilation", "squeeze_excite", "drop_path"]),
        ("stages:\n  - {block: {kind: bottleneck, |", ["expansion", "groups"]),
        ("stages:\n  - {block: {squeeze_excite: {|", ["reduction"]),
        ("stages:\n  - {fuse: {|", ["kind", "upsample", "downsample"]),
        (f"{W32}stages: {{3: {{|", STAGE),
        (f"{W32}stages: {{|", ["0", "1", "2", "3"]),
        (f"{W32}stages: {{2: {{modules: 1}}, |", ["0", "1", "3"]),
        (f"{W32}stages: {{2: {{block: |", ["basic", "adaptive"]),
        ("fuse: {upsample: |}", ["nearest", "bilinear", "transposed", "pixel_shuffle"]),
        ("norm: |", NORMS),
        ("norm: {|", ["kind", "eps", "momentum", "groups"]),
        ("norm: {kind: |", NORMS),
        ("init: {head: {|", ["conv", "std", "conv_bias"]),
        ("init: {conv: |", ["kaiming", "lecun", "normal", "default"]),
        ("activation: re|", ["relu", "relu6", "leaky_relu"]),
        ("preprocess: {resize: |", ["stretch", "crop", "fit"]),
        ("labels: |", ["imagenet", "cityscapes", "coco_keypoints"]),
        ("published:\n  figures:\n    - {|", ["metric", "value", "unit", "data", "note"]),
        ("width: 32\nhead: {kind: ocr, classes: 3}\nextends: hrnetv2p_w4|", ["hrnetv2p_w40"]),
        ("'wi|'", ["width"]),
        ('activation: "re|"', ["relu", "relu6", "leaky_relu"]),
        ("head: {\n  kind: ocr,\n  |\n}", ["classes", "align_corners"]),
    ],
)
def test_what_fits_is_offered(text: str, expected: list[str]) -> None:
    assert labels(text)[: len(expected)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "# |",
        "#|",
        "width: 3 # wi|",
        "head: {kind: ocr} # {|}",
        "head: # ki|\n  kind: ocr",
        "published:\n  source: |",
        "published:\n  source: >\n    wi|\n",
        "name: |",
        'name: "wi|',
        "name: 'head: {kind: |}'",
        "input: [|]",
        "width: 32\n  wi|",
        "unknown: |",
        "unknown: {|",
        "head: {kind: nonsense, |",
        "width: {|",
        "backbone: |",
        "labels: [|]",
        "head: ocr\nhead: ocr, |",
    ],
)
def test_nothing_is_offered_where_nothing_fits(text: str) -> None:
    assert labels(text) == []


def test_every_kind_and_option_of_every_rule_is_offered_with_its_meaning() -> None:
    for role in ROLES:
        place = ("stages:\n  - {block: {" if role == "block" else f"{role}: {{") + "%s"
        for name, rule in rules(role).items():
            kind = next(c for c in offered(place % "kind: |") if c.label == name)
            assert (kind.kind, kind.meaning) == ("rule", rule.summary)
            found = {c.label: c for c in offered(place % f"kind: {name}, |")}
            options = sorted(rule.options, key=lambda name: rule.options[name].default is not ...)
            assert [*found] == [*options, "norm"]
            for option, what in rule.options.items():
                assert found[option].meaning == what.meaning
                assert found[option].detail.endswith(".")


def test_every_network_of_the_catalogue_is_offered_with_what_it_is() -> None:
    found = offered("extends: |")
    assert [completion.label for completion in found] == [*hg.list_specs(), *hg.list_variants()]
    w32 = next(completion for completion in found if completion.label == "hrnet_w32_cls")
    assert w32.detail.startswith("Classification, 3x224x224, width 32; published: params 41.2 M,")


def test_files_beside_are_offered(tmp_path: Path) -> None:
    for name in ("base.yaml", "other.yml", "names.txt", "net.pt", "mine.yaml", "a: b.yaml"):
        (tmp_path / name).write_text("")
    assert labels("extends: |", tmp_path / "mine.yaml")[-2:] == ["base.yaml", "other.yml"]
    assert labels("labels: |", tmp_path / "mine.yaml")[-1] == "names.txt"
    offered = labels("labels: n|", tmp_path / "gone" / "mine.yaml")
    assert offered == ["imagenet", "coco_keypoints", "crowdpose_keypoints"]


def test_what_a_file_beside_states_is_inherited(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("head: {kind: heatmap, joints: 4}\ninput: [3, 64, 64]\n"
                                        "width: 4\nstages: [{branches: 1}]\n")  # fmt: skip
    mine = tmp_path / "mine.yaml"
    keys = ["kind", "joints", "kernel", "deconv", "deconv_kernels", "norm"]
    assert labels("extends: base.yaml\nhead: {|", mine) == keys
    assert labels("extends: base.yaml\nwidth: |", mine) == ["4"]
    (found,) = offered("extends: base.yaml\nhead: {kernel: |", mine)
    assert (found.label, found.detail) == ("1", "default")
    (tmp_path / "wide.yaml").write_text("extends: base.yaml\nhead: {kernel: 3}\n")
    found, default = offered("extends: wide.yaml\nhead: {kernel: |", mine)
    assert (found.label, found.detail, default.label) == ("3", "inherited from wide", "1")
    assert labels("extends: base.yaml\ninput: |", mine) == ["[3, 64, 64]"]
    assert labels("extends: base.yaml\nstages: {|", mine) == ["0"]


@pytest.mark.parametrize(
    ("text", "label", "after"),
    [
        ("wid|", "width", "width: |"),
        ("wid|: 3", "width", "width|: 3"),
        ("head:|", "ocr", "head: {kind: ocr, classes: |}"),
        ("head: |\nwidth: 3", "features", "head: features|\nwidth: 3"),
        ("head: o|\nwidth: 3", "ocr", "head: {kind: ocr, classes: |}\nwidth: 3"),
        ("head: {kind: se|}", "segmentation", "head: {kind: segmentation|}"),
        ("head: {kind: se|gm, classes: 3}", "segmentation",
         "head: {kind: segmentation|, classes: 3}"),
        ("'wid|': 3", "width", "'width|': 3"),
        ('activation: "|"', "silu", 'activation: "silu|"'),
        ("stages:\n  - {bl|", "block", "stages:\n  - {block: |"),
        ("stages:\n  - block:|", "basic", "stages:\n  - block: basic|"),
    ],
)  # fmt: skip
def test_what_is_taken_stands_as_one_would_type_it(text: str, label: str, after: str) -> None:
    assert accept(text, label) == after


def test_a_spec_can_be_written_by_completion_alone() -> None:
    text = accept(accept("|", "extends"), "hrnet_w32_cls").replace("|", "\n|")
    text = accept(accept(text, "head"), "segmentation").replace("|", "7")
    assert text == f"{W32}head: {{kind: segmentation, classes: 7}}"
    assert hg.check(f"{text}\npreprocess: {{}}\nlabels: null").problems == ()


@pytest.mark.parametrize("name", hg.list_specs())
def test_what_the_catalogue_states_is_what_would_be_offered(name: str) -> None:
    text = find(name).read_text()
    lines = text.split("\n")
    for steps, entry in entries(outline(text)):
        place = entry.range
        if steps[0] == "keys" and steps[1:]:
            continue  # places in the network, which no list has
        if isinstance(entry.step, str) and not str(entry.step).isdigit():
            line = lines[place.line - 1]
            cut = f"{line[: place.column - 1]}|{line[place.end_column - 1 :]}"
            without = "\n".join([*lines[: place.line - 1], cut, *lines[place.line :]])
            assert entry.step in labels(without, find(name)), steps
        if steps[-1] in ("kind", "block", "extends", "upsample", "resize", "align_corners"):
            assert entry.value is not None
            if not entry.value.text:
                continue  # a mapping
            place = entry.value.range
            line = lines[place.line - 1]
            cut = f"{line[: place.column - 1]}|{line[place.end_column - 1 :]}"
            without = "\n".join([*lines[: place.line - 1], cut, *lines[place.line :]])
            assert entry.value.text in labels(without, find(name)), steps


def test_places_beyond_the_text_are_its_ends() -> None:
    assert labels("width: 3\n|") != []
    assert offered("xyz|") == ()
    assert [c.label for c in complete("wid", 1, 99)] == ["width"]
    assert complete("wid", 2, 1) == complete("wid", 0, 1) == complete("wid", 1, 0) == ()


def test_a_file_that_is_no_spec_is_let_be() -> None:
    assert labels("#" * MAX_BYTES + "\n|") == []
    assert BREAK.split("a\r\nb\rc\nd") == ["a", "b", "c", "d"]


def test_lines_may_end_in_any_way() -> None:
    for end in ("\n", "\r\n", "\r"):
        text = end.join(["width: 3", "head: {kind: ocr, }"])
        assert complete(text, 2, 19)[0].label == "classes"


@pytest.mark.parametrize("style", [{"default_flow_style": None}, {"default_flow_style": False},
                                   {"default_flow_style": False, "indent": 4},
                                   {"default_flow_style": True}])  # fmt: skip
@pytest.mark.parametrize("name", ["hrnet_w32_cls", "hrnetv2_w48_ocr_cityscapes"])
def test_a_spec_typed_from_its_beginning_is_completed_key_by_key(
    name: str, style: dict[str, Any]
) -> None:
    data = json.loads(json.dumps(parse(find(name).read_text(), "").plain()))
    text = yaml.safe_dump(data, sort_keys=False, **style)
    lines = text.split("\n")
    for steps, entry in entries(outline(text)):
        for typed in (0, 1, 3) if isinstance(entry.step, str) else ():
            line = lines[entry.range.line - 1][: entry.range.column - 1] + str(entry.step)[:typed]
            so_far = "\n".join([*lines[: entry.range.line - 1], f"{line}|"])
            assert entry.step in labels(so_far, find(name)), (steps, typed)
