"""Several heads on one backbone: rules within a rule, from the spec to what is read of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import commands
import pytest
import torch
from PIL import Image
from small import SMALL, with_head

import hrnet_graph as hg
from hrnet_graph.ir.hierarchy import heads_of
from hrnet_graph.language.complete import complete
from hrnet_graph.language.hover import hover
from hrnet_graph.rules.registry import rules
from hrnet_graph.spec.emit import to_yaml
from hrnet_graph.viz.draw import lay_out, scene_of
from hrnet_graph.viz.layout.grid import arrange, columns
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.select import figure_boxes, within

HEADS: dict[str, Any] = {
    "pose": {"kind": "heatmap", "joints": 4},
    "seg": {"kind": "ocr", "classes": 3, "features": 8, "keys": 4},
    "where": {"kind": "regression", "joints": 2},
    "maps": "features",
}
MULTI = {"kind": "multi", "heads": HEADS}


def spec(**changes: Any) -> hg.Spec:
    return hg.load_spec(hg.load_spec(SMALL, {"head": MULTI, "name": "small"}), changes)


def refusal(**changes: Any) -> str:
    with pytest.raises(hg.SpecError) as refused:
        hg.build_graph(spec(**changes))
    return str(refused.value).removeprefix("overrides: ")


def test_each_head_has_its_results_and_keys_under_its_name() -> None:
    model = with_head(MULTI)
    found = model(torch.rand(2, 3, 64, 64))
    assert {name: tuple(value.shape[1:]) for name, value in found.items()} == {
        "pose": (4, 16, 16),
        "seg.aux": (3, 16, 16),
        "seg.main": (3, 16, 16),
        "where": (2, 2),
        "maps.0": (4, 16, 16),
        "maps.1": (8, 8, 8),
        "maps.2": (16, 4, 4),
    }
    ours = [key for key in model.state_dict() if key.startswith(tuple(f"{n}." for n in HEADS))]
    alone = {
        name: list(with_head(head if isinstance(head, dict) else {"kind": head}).state_dict())
        for name, head in HEADS.items()
    }
    backbone = set(alone["maps"])
    assert ours == [
        f"{name}.{key}" for name, keys in alone.items() for key in keys if key not in backbone
    ]
    loss = sum(value.square().mean() for value in found.values())
    loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_a_head_in_it_gives_what_it_gives_alone() -> None:
    model, alone = with_head(MULTI).eval(), with_head(HEADS["pose"], **{"stages.2.outputs": 3})
    own = {key.removeprefix("pose."): value for key, value in model.state_dict().items()}
    alone.load_state_dict({key: own[key] for key in alone.state_dict()})
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(model(image)["pose"], alone.eval()(image))


def test_an_option_within_is_changed_by_its_key() -> None:
    changed = spec(**{"head.heads.pose.joints": 14})
    assert changed.name == "small, head.heads.pose.joints 14"
    assert changed.head.inner["pose"].options["joints"] == 14
    assert changed.head.inner["seg"] == spec().head.inner["seg"]
    assert hg.load_spec(changed.dump()) == changed
    assert hg.load_spec(text=to_yaml(changed.dump())) == changed
    other = spec(**{"head.heads.pose": {"kind": "segmentation", "classes": 2}})
    assert other.head.inner["pose"].kind == "segmentation"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head.heads.pose.joint": 3}, "head.heads.pose.joint: unknown key; did you mean 'joints'"),
        ({"head.heads.pose.joints": 0}, "head.heads.pose.joints: expected at least 1, got 0"),
        ({"head.heads.pose.kind": "hetmap"}, "head.heads.pose.kind: unknown head 'hetmap'; did you"),
        ({"head.heads.pose": None}, "head.heads.pose: expected a head (one of bottom_up, "),
        ({"head.heads.x": {"kind": "heatmap"}}, "head.heads.x.joints: missing; expected it in every"),
        ({"head.heads.x": "multi"}, "head.heads.x: a head within another cannot be 'multi'"),
        ({"head.heads": 3}, "head.heads: expected a mapping, got 3"),
        ({"head.heads.A b": "features"}, "head.heads.A b: expected lower-case letters, digits and"),
        ({"head.heads.forward": "features"}, "head.heads.forward: every torch module has 'forward'"),
        ({"head.heads.stage2": "features"}, "head.heads.stage2: the network has a part 'stage2' "),
        ({"head.heads.x": {"kind": "features", "channels": [4, 8, 16]}},
         "head.heads.x.channels: nothing in the network reads it\n  it is read with `pyramid: true`"),
        ({"head.heads.x": {"kind": "classification", "classes": 5, "channels": [3]}},
         "head.heads.x.channels: expected 3 widths, one a branch, got 1"),
        ({"labels": ["a"]}, "labels: expected none: with several heads nothing says whose"),
    ],
)  # fmt: skip
def test_what_is_wrong_within_is_told_where_it_stands(
    changes: dict[str, Any], message: str
) -> None:
    assert refusal(**changes).startswith(message)


def test_the_data_set_of_a_base_is_let_be() -> None:
    heads = {"pose": {"kind": "heatmap", "joints": 17}}
    built = hg.build_graph({"extends": "hrnetv2_w18", "head": {"kind": "multi", "heads": heads}})
    assert [name for name, _ in built.outputs] == ["pose"]


def test_no_head_is_too_few() -> None:
    with pytest.raises(hg.SpecError, match=r"head.heads: expected at least 1 of them, got {}"):
        hg.load_spec(SMALL, {"head": {"kind": "multi", "heads": {}}})


def test_an_editor_completes_and_explains_within() -> None:
    base = to_yaml({key: value for key, value in SMALL.items() if key != "head"})
    last = "    seg: {kind: upernet, resize: }"
    text = f"{base}\nhead:\n  kind: multi\n  heads:\n{last}"
    line = text.count("\n") + 1

    def labels(before: str) -> list[str]:
        return [found.label for found in complete(text, line, len(before) + 1)]

    def said(before: str) -> str:
        found = hover(text, line, len(before))
        assert found is not None
        return found.text

    assert labels(last[:-1]) == ["none", "input"]
    assert {*labels("    seg: {kind: ")} == {*rules("head")} - {"multi"}
    assert said("    seg: {kind: upernet, res").startswith("**resize**: `none` or `input`; `none`")
    assert said("    se").startswith("**seg**: A name, or a mapping.\n\nThe name of each head")


def test_a_figure_has_each_head_for_itself() -> None:
    graph = hg.build_graph(spec())
    assert heads_of(graph) == [f"@head.{name}" for name in HEADS]
    assert figure_boxes(graph).isdisjoint({"@head", *heads_of(graph)})


@pytest.mark.parametrize("view", ["figure", "stage", "module", "block", "op"])
def test_every_view_draws_several_heads_side_by_side(view: Any) -> None:
    """Boxes of several rows in one column left no place for others, and none was ever found."""
    head = {"kind": "multi", "heads": {"a": HEADS["seg"], "b": HEADS["where"], "c": HEADS["seg"]}}
    figure = scene_of(hg.build_graph(hg.load_spec(SMALL, {"head": head})), view, "", (), Look())
    column = columns(figure)
    ends = {
        name: [c for path, c in column.items() if within(path, f"@head.{name}")] for name in "abc"
    }
    assert max(ends["a"]) < min(ends["b"])
    assert max(ends["b"]) < min(ends["c"])
    assert len(arrange(figure).cells) == len(figure.parts)


@pytest.mark.parametrize("order", [("seg", "pose"), ("pose", "seg"), ("maps", "seg", "pose")])
def test_no_result_of_a_head_crosses_another(order: tuple[str, ...]) -> None:
    """All heads stood in one lane, and each one's result passed over those behind it."""
    named = HEADS | {"seg": {"kind": "segmentation", "classes": 3}}
    head = {"kind": "multi", "heads": {name: named[name] for name in order}}
    drawing = lay_out(hg.build_graph(hg.load_spec(SMALL, {"head": head})))
    told = ("output seg", "output pose")
    ends = [arrow.points for arrow in drawing.arrows if arrow.target in told]
    assert len(ends) == 2
    assert all(points[0][1] == points[-1][1] for points in ends)


def test_a_view_of_stages_names_every_row_and_holds_its_words() -> None:
    """A row without a part in its first lane had no place for its name."""
    head = {"kind": "multi", "heads": HEADS | {"pyramid": "feature_pyramid"}}
    drawing = lay_out(hg.build_graph(hg.load_spec(SMALL, {"head": head})), "stage")
    assert {"1/4", "1/32"} <= {line for label in drawing.labels for line in label.lines}
    boxes = {box.path: box.rect for box in drawing.boxes if box.fill}
    for label in drawing.labels:
        if label.owner in boxes:
            assert label.rect.height <= boxes[label.owner].height


def test_one_of_several_heads_answers(tmp_path: Path) -> None:
    photo = Image.new("RGB", (90, 70), "red")
    model = hg.build_module(spec())
    assert len(hg.predict(model, photo, head="pose").as_dict()["instances"][0]) == 4
    assert len(hg.predict(model, photo, head="where").as_dict()["instances"][0]) == 2
    assert sum(share["score"] for share in hg.predict(model, photo, head="seg").as_dict()["shares"])
    for head, said in (
        (None, "small has several heads; expected the name of one: pose, seg, where, maps"),
        (
            "sig",
            "small has several heads; expected the name of one, got 'sig'; did you mean 'seg'?",
        ),
        ("maps", "small: expected a head that answers, got features (known: bottom_up"),
    ):
        with pytest.raises(hg.HRNetGraphError) as refused:
            hg.predict(model, photo, head=head)
        assert str(refused.value).startswith(said)
    with pytest.raises(hg.HRNetGraphError, match="has one head, got 'pose' for the name"):
        hg.predict(with_head(HEADS["pose"]), photo, head="pose")
    hg.save(model, tmp_path / "two.pt")
    photo.save(tmp_path / "a.png")
    words = ["predict", "two.pt", "a.png", "--head", "pose", "-o", "b.png", "--json"]
    result = commands.run(*words, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert len(json.loads(result.stdout)["instances"][0]) == 4
