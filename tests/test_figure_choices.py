"""What a person may choose of a figure: its part, its detail and its look."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from drawn import faults
from figures import SMALL, graph

import hrnet_graph as hg
from hrnet_graph.viz import font
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.render import render


def test_a_fuse_in_detail_names_its_operators() -> None:
    g = graph("hrnet_w48_cls")
    drawing = lay_out(g, "fuse", only="stage3.1")
    assert faults(drawing) == []
    said = {words.owner: words.lines for words in drawing.labels if words.owner}
    assert said["stage3.1.fuse_layers.2.0"] == (
        "conv 3x3 /2, batch norm, relu",
        "conv 3x3 /2, batch norm",
    )
    assert said["stage3.1.fuse_layers.0.2"] == ("conv 1x1, batch norm", "nearest x4")
    held = {box.path for box in drawing.boxes}
    ways = {f"stage3.1.fuse_layers.{i}.{j}" for i in range(3) for j in range(3) if i != j}
    sums = {f"stage3.1.fuse_layers.{i}.{end}" for i in range(3) for end in ("sum", "act")}
    copies = {
        f"stage3.1.branches.{j} for stage3.1.fuse_layers.{i}" for i in range(3) for j in range(3)
    }
    assert held == ways | sums | copies
    last = lay_out(g, "fuse")
    assert any(box.path.startswith("stage4.2.fuse_layers.3") for box in last.boxes)


def test_only_and_expand() -> None:
    g = graph("hrnet_w48_cls")
    only = {box.path: box.kind for box in lay_out(g, "block", only="stage3.1").boxes}
    inner = {path for path, kind in only.items() if kind != "context"}
    assert len(inner) == 3 * 4 + 3
    assert all(path.startswith("stage3.1.") for path in inner)
    assert len(only) > len(inner)
    opened = {box.path for box in lay_out(g, "stage", expand=["stage4", "head"]).boxes}
    assert {"stage3", "stage4.0", "stage4.1", "stage4.2", "@head.incre_modules.0.0"} <= opened
    assert "stage4" not in opened
    deep = {box.path for box in lay_out(g, "stage", expand=["stage4.1"]).boxes}
    assert {"stage4.0", "stage4.1.branches.0.3", "stage4.2"} <= deep
    units = {box.path for box in lay_out(g, expand=["stage2"]).boxes}
    assert {"stage2.0.branches.1.3", "stage3.0.branches.1"} <= units
    inside = {box.path for box in lay_out(g, "stage", only="stage2.0.branches.0.1").boxes}
    assert "stage2.0.branches.0.1.conv1" in inside
    for options in ({"expand": ["stage4"]}, {"only": "head"}, {"only": "stem", "expand": ["stem"]}):
        for view in ("figure", "stage", "module", "block"):
            assert faults(lay_out(g, view, **options)) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"only": "stage9"}, "no part 'stage9' in 'hrnet_w18_small_v1_cls'; did you mean 'stage4'?"),
        ({"expand": ["layer"]}, "no part 'layer' in 'hrnet_w18_small_v1_cls'; did you mean 'layer1'?"),
        ({"view": "fuse", "only": "layer1"}, "no module with a fuse unit in 'layer1'"),
        ({"view": "figur"}, "unknown view 'figur'; did you mean 'figure'? (known: figure, fuse, stage"),
        ({"theme": "drak"}, "unknown theme 'drak'; did you mean 'dark'? (known: light, dark)"),
        ({"width": "triple"}, "unknown width 'triple'"),
        ({"scale": 0.0}, "expected a scale from 0.1 to 10, got 0.0"),
        ({"font": "\n"}, "no font '\\n' on this machine"),
        ({"font": 'a"><script>'}, "no font 'a\"><script>' on this machine"),
    ],
)  # fmt: skip
def test_a_wrong_choice_is_one_message(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(hg.HRNetGraphError) as caught:
        render(graph(SMALL), tmp_path / "a.svg", **options)
    assert caught.value.message.startswith(message)
    assert not list(tmp_path.iterdir())


BOLD = Path(font.__file__).parent / "fonts" / "Arimo-Bold.ttf"

OTHER: dict[str, Any] = {
    "orientation": "tb",
    "theme": "dark",
    "colour": "macs",
    "labels": "numbers",
    "font": str(BOLD),
    "scale": 2.0,
    "width": "single",
    "title": False,
    "dpi": 36.0,
}


@pytest.mark.parametrize("choice", [field.name for field in fields(Look)])
def test_every_choice_changes_the_figure(choice: str, tmp_path: Path) -> None:
    suffix = "png" if choice == "dpi" else "svg"
    plain = render(graph(SMALL), tmp_path / f"plain.{suffix}").read_bytes()
    chosen = render(graph(SMALL), tmp_path / f"chosen.{suffix}", **{choice: OTHER[choice]})
    assert chosen.read_bytes() != plain


def test_a_part_that_holds_nothing_is_not_offered() -> None:
    """The head of a backbone is a scope without operations."""
    with pytest.raises(hg.HRNetGraphError) as caught:
        lay_out(graph("hrnetv2_w18"), expand=["head"])
    assert caught.value.message.startswith("no part 'head' in 'hrnetv2_w18' (known: stem, ")
    assert caught.value.message.endswith(", stage4.2)")


def test_choices_say_what_they_are_for() -> None:
    g = graph(SMALL)

    def said(**look: Any) -> set[str]:
        return {line for words in lay_out(g, look=Look(**look)).labels for line in words.lines}

    assert {"C ×2", "1/8"} <= said()
    assert {"16 ×2", "28×28"} <= said(labels="numbers")
    assert said(labels="none").isdisjoint({"C ×2", "16 ×2", "1/8", "28×28"})
    assert any(line.endswith("MB kept for training in float32") for line in said(colour="memory"))
    assert lay_out(g, look=Look(theme="dark")).paper != lay_out(g).paper
    plain, large = lay_out(g), lay_out(g, look=Look(scale=2))
    assert large.size == pytest.approx((2 * plain.width, 2 * plain.height))
    tall = lay_out(g, look=Look(orientation="tb"))
    assert tall.height > tall.width
    for colour in ("macs", "params", "memory"):
        costly = lay_out(g, look=Look(colour=colour))
        assert {ink.fill for ink in costly.inks} != {ink.fill for ink in plain.inks}
        assert faults(costly) == []
