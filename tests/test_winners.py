"""A folder of winners holds those of the last search, and no file of anybody else's is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import hrnet_graph as hg
from hrnet_graph.cli.main import cli
from hrnet_graph.search.winners import check_folder, write_winners

NAME = "hrnet_w18_small_v1_cls"


def narrow(spec: hg.Spec) -> tuple[float, float]:
    """An objective by which no variant beats another."""
    width = float(spec.width or 0)
    return width, -width


def specs(count: int) -> list[hg.Spec]:
    return [hg.load_spec(NAME, {"width": 4 + i}) for i in range(count)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def invoke(folder: Path, storage: Path, *more: str) -> Any:
    options = ("--trials", "12", "--seed", "0", "--storage", str(storage), "-o", str(folder))
    return CliRunner().invoke(cli, ["search", NAME, "--vary", "width=4,5,6", *options, *more])


def test_a_search_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    won = tmp_path / "won"
    several = ("--objective", f"{__name__}:narrow", "--direction", "minimize",
               "--direction", "minimize")  # fmt: skip
    first = invoke(won, tmp_path / "a.db", *several)
    assert first.exit_code == 0, first.output
    assert names(won) == [f"{NAME}_{i}.yaml" for i in range(3)]
    (won / "notes.txt").write_text("mine")
    second = invoke(won, tmp_path / "b.db")  # by params and MACs one variant beats all
    assert second.exit_code == 0, second.output
    assert names(won) == [f"{NAME}_0.yaml", "notes.txt"]
    assert hg.load_spec(won / f"{NAME}_0.yaml").width == 4
    for number in (1, 2):
        path = won / f"{NAME}_{number}.yaml"
        assert f"removed {path}, a winner of an earlier search" in second.stderr
    again = invoke(won, tmp_path / "b.db", "--json")
    assert json.loads(again.stdout)["files"] == [str(won / f"{NAME}_0.yaml")]


def test_a_winner_that_was_changed_is_refused_before_the_search(tmp_path: Path) -> None:
    (changed,), removed = write_winners(specs(1), tmp_path, NAME)
    assert not removed
    check_folder(tmp_path, NAME)
    changed.write_text(changed.read_text().replace("width: 4", "width: 40"))
    error = invoke(tmp_path, tmp_path / "s.db").exception
    assert isinstance(error, hg.FileError)
    assert error.message.endswith("has the name of a winner and is none as a search wrote it")
    assert str(changed) in error.message
    assert error.hint == "rename it if you changed it, or give another folder"
    assert names(tmp_path) == [changed.name]


@pytest.mark.parametrize("content", [b"", b"width: 4\n", b"\xff\xfe", None], ids=str)
def test_what_is_not_ours_is_refused_and_stays(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / f"{NAME}_7.yaml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(hg.FileError, match=r"_7\.yaml' has the name of a winner"):
        check_folder(tmp_path, NAME)
    assert write_winners(specs(2), tmp_path, NAME)[1] == []
    assert path.exists()


def test_other_names_are_other_searches(tmp_path: Path) -> None:
    others = [f"{NAME}_old_0.yaml", f"{NAME}_01.yaml", f"x{NAME}_0.yaml", f"{NAME}_0.yaml.bak"]
    for name in others:
        (tmp_path / name).write_text("mine")
    check_folder(tmp_path, NAME)
    write_winners(specs(2), tmp_path, NAME)
    written, removed = write_winners(specs(1), tmp_path, NAME)
    assert [path.name for path in removed] == [f"{NAME}_1.yaml"]
    assert names(tmp_path) == sorted([*others, written[0].name])


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "won"
    path.write_text("mine")
    for place in (path, path / "deeper"):
        with pytest.raises(hg.FileError, match="expected a folder, got the file"):
            check_folder(place, NAME)
    with pytest.raises(hg.FileError, match="expected a folder for several files, got '-'"):
        check_folder(Path("-"), NAME)
    check_folder(tmp_path / ("a" * 300), NAME)
    with pytest.raises(hg.FileError, match="cannot make the folder"):
        write_winners(specs(1), tmp_path / ("a" * 300), NAME)


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: Path) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(hg.FileError, match=r"^cannot read '.*': Permission denied$"):
        check_folder(tmp_path, "small")
