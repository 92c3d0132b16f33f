"""Charts: the shares that they show are the counts, and the files are the same every time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from commands import run

import hrnet_graph as hg
from hrnet_graph.viz.charts import FIGURES, plot_bars, plot_shares, shares
from hrnet_graph.viz.theme import face_of, number_of


@pytest.mark.parametrize("name", ["hrnet_w18_small_v1_cls", "hrnetv2_w48_ocr_cityscapes"])
@pytest.mark.parametrize("figure", FIGURES)
def test_shares_are_the_counts(name: str, figure: str) -> None:
    report = hg.analyze(hg.build_graph(name))
    found = shares(report, figure)
    total = getattr(report.total, figure)
    for stage, cost in report.by("stage").items():
        assert sum(found[stage].values()) == pytest.approx(getattr(cost, figure) / total)
    assert sum(sum(parts.values()) for parts in found.values()) == pytest.approx(1)
    assert set(found["stage4"]) == {f"branch {i}" for i in range(4)}


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_a_chart_is_the_same_every_time(tmp_path: Path, suffix: str) -> None:
    report = hg.analyze(hg.build_graph("hrnet_w18_small_v1_cls"))
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    plot_shares(report, first)
    plot_shares(report, second)
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size > 5000


def test_a_chart_leaves_the_process_its_settings(tmp_path: Path) -> None:
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "mine"}):
        plot_bars([("a", 1.0, 2.0, 3.0)], tmp_path / "a.svg", "a title", "ms")
        assert mpl.rcParams["svg.hashsalt"] == "mine"
    plot_bars([("a", 1.0, 2.0, 3.0)], tmp_path / "b.svg", "a title", "ms")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_command(tmp_path: Path) -> None:
    target = tmp_path / "shares.svg"
    result = run("flops", "hrnet_w18_small_v1_cls", "--plot", str(target))
    assert result.returncode == 0
    assert f"wrote {target}" in result.stderr
    assert "<svg" in target.read_text()


def test_a_wrong_suffix_ends_in_one_message(tmp_path: Path) -> None:
    result = run("flops", "hrnet_w18_small_v1_cls", "--plot", str(tmp_path / "a.gif"))
    assert result.returncode == 2
    assert "expected a file name that ends in .svg or .png" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_branch_has_the_colour_of_its_resolution_as_in_figures(tmp_path: Path) -> None:
    target = tmp_path / "a.svg"
    plot_shares(hg.analyze(hg.build_graph("hrnet_w18_small_v1_cls")), target)
    text = target.read_text()
    for stride in (4, 8, 16, 32):
        assert face_of(number_of(Fraction(stride))) in text
