"""What editors say of a place: meaning, bounds, origin, shapes and costs; and where they go."""

from __future__ import annotations

from pathlib import Path

import pytest
from cursors import W32, entries, split

import hrnet_graph as hg
from hrnet_graph.language.definition import definition
from hrnet_graph.language.hover import hover
from hrnet_graph.language.outline import outline
from hrnet_graph.language.symbols import symbols
from hrnet_graph.language.values import Range
from hrnet_graph.spec.catalogue import find, folder

REFERENCE = (Path(__file__).parents[1] / "docs" / "spec.md").read_text()


def said(text: str, path: Path | None = None) -> str:
    """What is said at a cursor."""
    found = hover(*split(text), path)
    return found.text if found else ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wid|th: 32", "**width**: An integer from 1 to 65536.\n\nBranch i has width * 2^i channels."),
        ("width: 3|2", "**width**: An integer from 1 to 65536.\n\nBranch i has width * 2^i channels."),
        ("head: {kind: ocr, drop|out: 0}", "**dropout**: A number from 0 to below 1; `0.05` where unstated.\n\n"
         "Share of the channels that training sets to zero before the last convolution."),
        ("head: {kind: ocr, dropout: 0.|1", "**dropout**: A number from 0 to below 1"),
        ("head: {kind: oc|r", "`ocr`: Coarse classes give soft object regions"),
        ("head:\n  kind: ocr\n  key|s", "**keys**: An integer from 1 to 65536; `256` where unstated."),
        ("stages:\n  - {modu|les: 3", "How many times blocks and fuse unit repeat."),
        ("stages:\n  - {blo|cks: 3", "or a list of integers from 1 to 1000; `4` where unstated."),
        ("stages:\n  - {block: basi|c", "`basic`: Two 3x3 convolutions and a shortcut."),
        ("stages:\n  - {block: {squeeze_excite: {red|uction: 4}}}", "How many times narrower"),
        ("input: [3, 64, 6|4]", "**input**: A list of 3 integers from 1 to 65536"),
        ("norm: gr|oup", "`group`: Groups of channels, each image alone."),
        ("activation: sil|u", "`silu`: `torch.nn.SiLU`."),
        ("labels: image|net", "`imagenet`: 1000 classes."),
        ("init: {con|v: normal}", "`normal`: of deviation `std`"),
        ("published:\n  figures:\n    - {un|it: M}", "Its unit, convention included"),
        ("extends|: nothing", "**extends**: A name, or a file that ends in .yaml or .yml."),
    ],
)  # fmt: skip
def test_a_key_and_a_value_say_what_they_mean(text: str, expected: str) -> None:
    assert expected in said(text)


@pytest.mark.parametrize(
    "text", ["# wid|th", "width: 3  # a|", "unkn|own: 3", "head: {kind: nonsense, cla|sses: 3}", "|\n"]
)  # fmt: skip
def test_nothing_is_said_of_what_means_nothing(text: str) -> None:
    assert said(text) == ""


def test_what_is_inherited_says_from_where() -> None:
    assert "Takes the place of `32`, stated at `hrnet_w32_cls.yaml:2:8`." in said(
        f"{W32}wid|th: 48"
    )
    text = f"{W32}stages: {{3: {{mod|ules: 2}}}}"
    assert "Takes the place of `3`, stated at `hrnet_w32_cls.yaml:8:42`." in said(text)
    text = "extends: hrnetv2_w48_ocr_lip\nhe|ad: {classes: 3}"
    assert "- kind: `ocr`, stated at `hrnetv2_w48_ocr_cityscapes.yaml:3:14`" in said(text)
    assert "Takes the place" not in said(f"{W32}head: {{kind: ocr, cla|sses: 3}}")
    assert "Takes the place" not in said(f"{W32}na|me: mine")
    found = said(f"{W32}he|ad: {{kind: ocr, classes: 3}}")
    assert "Takes the place of `{kind: classification, classes: 1000}`, stated at" in found
    text = "extends: hrnetv2_w48_ocr_lip\nno|rm: {kind: sync_batch}"
    assert "- momentum: `0.1`, stated at `hrnetv2_w48_ocr_cityscapes.yaml:4:18`" in said(text)


def test_a_file_beside_may_state_it(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(f"{W32}width: 18\n")
    text = "extends: base.yaml\nwid|th: 20"
    found = said(text, tmp_path / "mine.yaml")
    assert "Takes the place of `18`, stated at `base.yaml:2:8`." in found
    assert "The network: 24.4 M params" in found or "The network: " in found
    (tmp_path / "base.yaml").write_text(f"{W32}\nwidth: 64\n")
    assert "`64`, stated at `base.yaml:3:8`" in said(text, tmp_path / "mine.yaml")


def test_what_a_file_of_others_says_is_no_markdown(tmp_path: Path) -> None:
    base = f'{W32}published: {{source: x, figures: [{{metric: "![x](http://h/i.png)", value: 1, '
    more = "head: {classes: 2}\nlabels: [a, 'b`<b>']\n"
    (tmp_path / "base.yaml").write_text(f"{base}unit: '`'}}]}}\n{more}")
    found = said("exten|ds: base.yaml", tmp_path / "mine.yaml")
    assert r"\!\[x\](http://h/i.png) 1 \`" in found
    assert said("extends: base.yaml\nlab|els: x.txt", tmp_path / "mine.yaml").count("`") % 2 == 0


def test_what_is_extended_need_make_no_network(tmp_path: Path) -> None:
    (tmp_path / "part.yaml").write_text("width: 18\nfuse: {upsample: bilinear}\n")
    text = "extends: part.yaml\nwid|th: 20"
    assert "Takes the place of `18`, stated at `part.yaml:1:8`." in said(text, tmp_path / "a.yaml")
    assert said("ext|ends: part.yaml", tmp_path / "a.yaml").endswith("or a spec's path.")


def test_a_stage_says_its_shapes_and_its_cost() -> None:
    spec = hg.load_spec("hrnet_w32_cls", {"stages.3.modules": 2})
    cost = hg.analyze(hg.build_graph(spec)).by("stage")["stage4"]
    found = said(f"{W32}stages: {{|3: {{modules: 2}}}}")
    assert "Stage 4: 32x56x56, 64x28x28, 128x14x14, 256x7x7; " in found
    assert f"{cost.params / 1e6:.1f} M params, {cost.macs / 1e9:.2f} GMACs, " in found
    every = said(find("hrnet_w32_cls").read_text().replace("stages:", "sta|ges:"))
    assert [line.split(":")[0] for line in every.split("\n\n")[2:]] == [
        f"Stage {number}" for number in (1, 2, 3, 4)
    ]
    assert "Stage 1: 256x56x56; " in every


def test_a_stage_of_the_part_that_fits_says_its_shapes_too() -> None:
    text = f"{W32}input: [3, 226, 224]\nstages: {{%s: {{modules: 1}}}}"
    assert hg.check(text % 1).stopped
    assert "Stage 2: 32x57x56, 64x29x28; " in said((text % 1).replace("1: {", "|1: {"))
    assert "Stage 4" not in said((text % 3).replace("3: {", "|3: {"))


def test_a_head_says_what_is_resolved() -> None:
    found = said(f"{W32}he|ad: {{classes: 3}}")
    resolved = "{kind: classification, classes: 3, features: 2048, bias: true, depthwise: false}"
    assert f"Resolved: `{resolved}`." in found
    assert "Head: 3; 9.88 M params, 1.03 GMACs." in found


@pytest.mark.parametrize("name", ["hrnet_w18_cls", "hrnetv2p_w18"])
def test_extends_says_what_it_names(name: str) -> None:
    report = hg.analyze(hg.build_graph(name))
    found = said(f"extends: {name[:6]}|{name[6:]}")
    assert f"{report.params / 1e6:.1f} M params, {report.macs / 1e9:.3g}" in found
    assert "width 18" in found


def test_a_hover_says_what_the_reference_says() -> None:
    """Every key of the catalogue: what is said of it stands in docs/spec.md, word by word."""
    told = set()
    for name in ("hrnet_w32_cls", "hrnetv2_w48_ocr_cityscapes", "higherhrnet_w32_512"):
        text = find(name).read_text()
        for steps, entry in entries(outline(text)):
            if isinstance(entry.step, str) and not entry.step.isdigit() and steps[0] != "extends":
                found = hover(text, entry.range.line, entry.range.column, find(name))
                assert found is not None, steps
                assert found.text.startswith(f"**{entry.step}**: "), steps
                meaning = found.text.split("\n\n")[1]
                assert f"| {meaning} |" in REFERENCE or entry.step == "kind", steps
                told.add(entry.step)
    assert {"stages", "classes", "modules", "metric", "momentum", "upsample"} <= told


def test_one_goes_to_the_spec_that_is_extended_and_to_what_is_changed(tmp_path: Path) -> None:
    found = definition(*split("extends: hrnet_w4|8_cls"))
    assert found is not None
    assert (found.file, found.range) == (str(folder() / "hrnet_w48_cls.yaml"), Range(1, 1, 1, 1))
    found = definition(*split(f"{W32}head: {{cla|sses: 3}}"))
    assert found is not None
    line = Path(found.file).read_text().split("\n")[found.range.line - 1]
    assert line[found.range.column - 1 :].startswith("classes: 1000")
    for text in ("wid|th: 3", f"{W32}activ|ation: silu", "extends: no|thing", "", f"{W32}na|me: x"):
        assert definition(*split(text)) is None
    (tmp_path / "names.txt").write_text("cat\n")
    found = definition(*split("labels: nam|es.txt"), tmp_path / "mine.yaml")
    assert found is not None
    assert Path(found.file).read_text() == "cat\n"


def test_the_outline_of_a_spec_names_its_parts() -> None:
    found = {symbol.name: symbol for symbol in symbols(find("hrnet_w32_cls").read_text())}
    assert [*found] == ["input", "width", "stem", "stages", "fuse", "head", "preprocess", "labels",
                        "published"]  # fmt: skip
    assert (found["head"].detail, found["stages"].detail) == ("classification", "4 stages")
    assert [(stage.name, stage.detail) for stage in found["stages"].children] == [
        ("stage 1", "bottleneck, 1 branch x 1 module"),
        ("stage 2", "basic, 2 branches x 1 module"),
        ("stage 3", "basic, 3 branches x 4 modules"),
        ("stage 4", "basic, 4 branches x 3 modules"),
    ]
    assert found["stages"].range == Range(4, 1, 8, 55)
    assert found["stages"].children[3].range == Range(8, 3, 8, 55)


def test_the_outline_of_a_broken_spec_names_what_is_there() -> None:
    found = symbols(f"{W32}stages: {{3: {{modules: 2, \nhead: {{kind: ocr\nwid")
    assert [(s.name, s.detail) for s in found] == [
        ("extends", "hrnet_w32_cls"), ("stages", "1 stage"), ("head", "ocr"), ("wid", "")
    ]  # fmt: skip
    assert [s.name for s in found[1].children] == ["stage 4"]
    assert symbols("") == ()
