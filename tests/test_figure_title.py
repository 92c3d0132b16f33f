"""A figure without its title, for a paper that has a caption."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from drawn import read_svg

import hrnet_graph as hg
from hrnet_graph.cli.main import cli
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.render import render_difference

SMALL = "hrnet_w18_small_v1_cls"


@pytest.mark.parametrize("orientation", ["lr", "tb"])
@pytest.mark.parametrize("labels", ["symbolic", "none"])
@pytest.mark.parametrize("width", [None, "single"])
@pytest.mark.parametrize("view", ["figure", "fuse", "module"])
def test_the_title_alone_is_left_out(orientation: Any, labels: Any, width: Any, view: Any) -> None:
    graph = hg.build_graph(SMALL)
    only = "stage3.0" if view == "fuse" else ""
    look: dict[str, Any] = {"orientation": orientation, "labels": labels, "width": width}
    with_title, without = (
        lay_out(graph, view, only, look=Look(**look, title=title)) for title in (True, False)
    )
    name, totals, *others = [words.lines for words in with_title.labels]
    assert name[0].startswith(SMALL)
    assert "parameters" in totals[0]
    assert [words.lines for words in without.labels] == others
    assert [box.path for box in without.boxes] == [box.path for box in with_title.boxes]
    assert len(without.arrows) == len(with_title.arrows)
    assert without.height < with_title.height
    assert without.small_print > 0
    places = [words.rect.y for words in without.labels] + [box.rect.y for box in without.boxes]
    assert 1.9 < min(places) < 40


def test_the_command_leaves_it_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (("-o", "a.svg"), ("-o", "b.svg", "--title"), ("-o", "c.svg", "--no-title")):
        result = CliRunner().invoke(cli, ["render", SMALL, *arguments])
        assert result.exit_code == 0, result.output
    said = {
        name: {text for text, *_ in read_svg((tmp_path / name).read_bytes()).words}
        for name in ("a.svg", "b.svg", "c.svg")
    }
    assert SMALL in said["a.svg"] == said["b.svg"]
    assert len(said["a.svg"] - said["c.svg"]) == 2
    assert not any(SMALL in text for text in said["c.svg"])


def test_a_difference_may_go_without(tmp_path: Path) -> None:
    before, after = hg.build_graph(SMALL), hg.build_graph("hrnet_w18_small_v2_cls")
    title = f"{SMALL} → hrnet_w18_small_v2_cls"
    for shown in (True, False):
        path = render_difference(before, after, tmp_path / "d.dot", title=shown)
        assert (title in path.read_text()) == shown


def test_a_page_takes_no_such_option(tmp_path: Path) -> None:
    error = (
        CliRunner()
        .invoke(cli, ["render", SMALL, "--no-title", "-o", str(tmp_path / "a.html")])
        .exception
    )
    assert isinstance(error, hg.FileError)
    assert error.message == ".html is of the whole network and takes no options of figures"


@pytest.mark.parametrize("title", ["My network", None, 0, "x" * 10_000])
def test_a_title_is_there_or_not(title: Any, tmp_path: Path) -> None:
    with pytest.raises(hg.HRNetGraphError, match="expected title to be True or False, got ") as e:
        hg.render(hg.build_graph(SMALL), tmp_path / "a.svg", title=title)
    assert len(str(e.value)) < 200
