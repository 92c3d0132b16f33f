"""A key is varied once: of two `--vary` of the same key neither is dropped in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import hrnet_graph as hg
from hrnet_graph.cli.main import cli
from hrnet_graph.search.sweep import read_varied

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
