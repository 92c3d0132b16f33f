"""The one file: read within bounds, written whole or not at all, and never over another's work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hrnet_graph.editor.file import Conflict, Content, SpecFile
from hrnet_graph.errors import FileError
from hrnet_graph.spec.source import MAX_BYTES


@pytest.fixture
def file(tmp_path: Path) -> SpecFile:
    path = tmp_path / "mine.yaml"
    path.write_text("width: 18\n")
    return SpecFile(path)


def test_a_text_is_saved_over_the_state_that_it_comes_from_alone(file: SpecFile) -> None:
    first = file.read()
    saved = file.write("width: 32\n", first.base)
    assert isinstance(saved, Content)
    assert (file.path.read_text(), file.read()) == ("width: 32\n", saved)
    lost = file.write("width: 64\n", first.base)
    assert isinstance(lost, Conflict)
    assert (lost.there, file.path.read_text()) == (saved, "width: 32\n")
    assert isinstance(file.write("width: 64\n", lost.there.base), Content)
    assert file.path.read_text() == "width: 64\n"


def test_a_file_that_has_gone_is_written_again(file: SpecFile) -> None:
    base = file.read().base
    file.path.unlink()
    with pytest.raises(FileError, match="cannot be read: it is not there"):
        file.read()
    file.write("width: 32\n", base)
    assert file.path.read_text() == "width: 32\n"


@pytest.mark.parametrize(
    "start", [b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", b"a: 1\r\nb: 2\r\n", b"a: 1\nb: 2\n", b"a: 1"]
)
def test_lines_end_and_files_begin_as_they_did(file: SpecFile, start: bytes) -> None:
    file.path.write_bytes(start)
    content = file.read()
    assert "\r" not in content.text
    assert content.text.startswith("a: 1")
    saved = file.write(content.text, content.base)
    assert file.path.read_bytes() == start
    assert saved == content
    file.write(content.text.replace("1", "3"), content.base)
    assert file.path.read_bytes() == start.replace(b"1", b"3")


def test_mode_and_link_are_kept(file: SpecFile, tmp_path: Path) -> None:
    file.path.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(file.path)
    linked = SpecFile(link)
    linked.write("width: 32\n", linked.read().base)
    assert link.is_symlink()
    assert (file.path.read_text(), file.path.stat().st_mode & 0o777) == ("width: 32\n", 0o640)


def test_a_read_only_file_is_left_alone(file: SpecFile) -> None:
    base = file.read().base
    file.path.chmod(0o444)
    assert not file.is_writable
    with pytest.raises(FileError, match="it is read-only"):
        file.write("width: 32\n", base)
    assert file.path.read_text() == "width: 18\n"
    file.path.chmod(0o644)
    assert file.is_writable


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"#" * (MAX_BYTES + 1), "expected a spec of at most 65536 bytes"),
        (b"a: \xff", "expected UTF-8 text"),
    ],
)
def test_what_is_no_text_of_a_spec_is_neither_read_nor_written_over(
    file: SpecFile, data: bytes, why: str
) -> None:
    base = file.read().base
    file.path.write_bytes(data)
    with pytest.raises(FileError, match=why):
        file.read()
    with pytest.raises(FileError, match=why):
        file.write("width: 32\n", base)
    assert file.path.read_bytes() == data


@pytest.mark.parametrize("text", ["#" * (MAX_BYTES + 1), "a: \ud800"])
def test_what_could_not_be_read_again_is_not_written(file: SpecFile, text: str) -> None:
    with pytest.raises(FileError, match="it is not written"):
        file.write(text, file.read().base)
    assert file.path.read_text() == "width: 18\n"


def test_a_folder_or_a_pipe_in_its_place_is_told(file: SpecFile) -> None:
    base = file.read().base
    file.path.unlink()
    file.path.mkdir()
    with pytest.raises(FileError, match="it is a folder"):
        file.read()
    with pytest.raises(FileError, match="it is a folder"):
        file.write("a", base)
    file.path.rmdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(file.path)
        with pytest.raises(FileError, match="it is not a file"):
            file.read()
        with pytest.raises(FileError, match="it is not a file"):
            file.write("a", base)
