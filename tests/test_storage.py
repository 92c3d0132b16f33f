"""Files and URLs that a search cannot be kept in: left as they are, and told in a line."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest

import hrnet_graph as hg
from hrnet_graph.search.storage import backend
from hrnet_graph.search.study import search

NAME = "hrnet_w18_small_v1_cls"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("my own journal, of my days\n", "'s.journal' is no journal of Optuna's, and is left"),
        ('{"op_code":0,"worker_id":"a","study_na', "'s.journal' ends within a line: .*sed -i"),
        ('{"op_code":77,"worker_id":"a"}\n', "the storage 's.journal' cannot be used: .* damaged"),
    ],
)
def test_a_file_that_is_no_journal_is_left_as_it_is(
    content: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hrnet_graph.search.storage.TRIES", 1)
    Path("s.journal").write_text(content)
    with pytest.raises(hg.HRNetGraphError) as caught:
        search(hg.load_spec(NAME), {"width": [4]}, storage="s.journal")
    assert re.match(message, str(caught.value).replace("\n", " "))
    assert Path("s.journal").read_text() == content


@pytest.mark.parametrize("name", ["", "-"])
def test_a_storage_has_a_name(name: str) -> None:
    with pytest.raises(hg.HRNetGraphError, match="expected a file or a URL as storage, got"):
        search(hg.load_spec(NAME), {"width": [4]}, storage=name)


def test_a_storage_that_fails_meanwhile_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hrnet_graph.search.claims.Claims.busy", full)
    storage = str(tmp_path / "s.journal")
    with pytest.raises(hg.HRNetGraphError, match=r"cannot be used: No space left on device"):
        search(hg.load_spec(NAME), {"width": [4]}, storage=storage)


def test_a_folder_moves_with_the_journal_of_one_that_was_killed(tmp_path: Path) -> None:
    """What says that somebody writes is waited for in vain then, and has to be seen as old."""
    (tmp_path / "here").mkdir()
    backend(str(tmp_path / "here" / "s.journal"))._backend._lock.acquire()  # type: ignore
    (tmp_path / "here").rename(tmp_path / "there")
    lock = backend(str(tmp_path / "there" / "s.journal"))._backend._lock  # type: ignore
    lock.grace_period = 0.1
    got = threading.Thread(target=lock.acquire, daemon=True)
    got.start()
    got.join(20)
    assert not got.is_alive()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are of POSIX systems")
def test_a_pipe_is_no_journal(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "s.journal")
    with pytest.raises(hg.HRNetGraphError, match=r"cannot be used: it is not a file"):
        search(hg.load_spec(NAME), {"width": [4]}, storage=str(tmp_path / "s.journal"))
