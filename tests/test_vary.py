"""A key is varied once: of two `--vary` of the same key neither is dropped in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import hrnet_graph as hg
from hrnet_graph.cli.main import cli
from hrnet_graph.search.expression import condition
from hrnet_graph.search.sweep import read_varied, read_vary

NAME = "hrnet_w18_small_v1_cls"


@pytest.mark.parametrize("command", [("sweep",), ("search", "--storage", "s.db")], ids=str)
def test_a_key_given_twice_is_refused(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    twice = ("--vary", "width=1,2", "--vary", "stages.2.modules=1", "--vary", "width=3,4")
    error = CliRunner().invoke(cli, [*command, NAME, *twice]).exception
    assert isinstance(error, hg.SpecError)
    assert str(error) == (
        "--vary width=3,4: 'width' is varied twice\n"
        "  give all its values at once: --vary width=a,b,c"
    )
    assert not list(tmp_path.iterdir())


def test_keys_of_any_text_stay_on_one_line() -> None:
    for key in ("a\nb", "x" * 10_000):
        with pytest.raises(hg.SpecError) as caught:
            read_varied([f"{key}=1", f"{key}=2"])
        assert [len(line) < 200 for line in str(caught.value).splitlines()] == [True, True]


def test_different_keys_keep_their_order() -> None:
    assert read_varied(["b=1,2", "a=x"]) == {"b": [1, 2], "a": ["x"]}


@pytest.mark.parametrize("values", ["8..", "8...16", "16..8", "1..9..0", "1..9..-2", ".5..2",
                                    "1..1000000000", "1..10001", "[8, 2..]", "{a: ..3}"])  # fmt: skip
def test_what_was_meant_as_a_range_and_is_none_is_refused(values: str) -> None:
    with pytest.raises(
        hg.SpecError, match=r"' is no range of 1 to 10,000 whole numbers\n.*16\.\.48"
    ):
        read_vary(f"width={values}")


def test_a_range_may_be_long_and_a_path_is_none() -> None:
    assert read_vary("labels=../names.txt") == ("labels", ["../names.txt"])
    assert len(read_vary("width=1..10000")[1]) == 10_000


@pytest.mark.parametrize("where", ["", "macs", "not params", "macs < 9 or 1"])
def test_what_is_neither_true_nor_false_is_no_condition(where: str) -> None:
    with pytest.raises(hg.HRNetGraphError, match=r"is no condition|is neither true nor false"):
        condition(where, ["macs", "params"])({"macs": 10, "params": 5})


SMALL = """
input: [3, 64, 64]
width: 4
stem: {kind: conv, channels: 4}
stages:
  - {block: basic, branches: 1, modules: 1, blocks: 1, channels: [4]}
  - {block: basic, branches: 2, modules: 1, blocks: 1}
head: {kind: features}
"""


def sweep(folder: Path, *words: str) -> Result:
    (folder / "small.yaml").write_text(SMALL)
    where = str(folder / "small.yaml")
    return CliRunner().invoke(cli, ["sweep", where, "--vary", "width=4,x,8", *words])


def test_a_condition_and_a_chart_do_not_swallow_what_makes_no_network(tmp_path: Path) -> None:
    broken = (
        "1 of 3 variants make no network, the first of them width=x: "
        "overrides: width: expected an integer, got 'x'\n"
    )
    table, chart = tmp_path / "a.csv", tmp_path / "a.svg"
    assert sweep(tmp_path, "--where", "macs > 0").stderr == broken
    assert sweep(tmp_path, "--where", "macs > 0", "-o", str(table)).stderr.endswith(broken)
    assert len(table.read_text().splitlines()) == 3
    assert sweep(tmp_path, "-o", str(chart)).stderr.endswith(broken)
    assert sweep(tmp_path).stderr == ""


def test_a_chart_of_nothing_or_of_other_figures_is_refused(tmp_path: Path) -> None:
    chart = tmp_path / "a.svg"
    none = sweep(tmp_path, "--where", "macs < 0", "-o", str(chart))
    assert "no variant to draw" in str(none.exception)
    other = sweep(tmp_path, "--figures", "layers", "-o", str(chart))
    assert "--figures changes nothing in a chart" in str(other.exception)
    assert not chart.exists()
