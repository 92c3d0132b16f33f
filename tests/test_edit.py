"""`hrnet-graph edit`: the file and its pages, however the one or the others change, and the end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import run
from editing import SLOWLY, TEXT, Editing, eventually, replace_slowly, write_slowly

from hrnet_graph.cli.commands.edit import is_with_windows

OTHER = TEXT.replace("width: 4", "width: 8")

QUICK = """
from hrnet_graph.editor import limits
limits.GRACE_SECONDS = 0.6
from hrnet_graph.cli.main import main
main()
"""

FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
from hrnet_graph.cli.main import main
main()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT)
    return path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Editing, Path]]:
    path = tmp_path_factory.mktemp("edit") / "mine.yaml"
    path.write_text(TEXT)
    with Editing(path, "--keep") as editing:
        yield editing, path


def test_two_pages_see_what_each_saves_and_neither_loses_anything(
    shared: tuple[Editing, Path],
) -> None:
    editing, path = shared
    path.write_text(TEXT)
    with editing.page() as one, editing.page() as two:
        first, second = one.ask(do="open"), two.ask(do="open")
        assert first["text"] == second["text"] == TEXT
        assert (first["name"], first["writable"], first["base"]) == (
            "mine.yaml",
            True,
            second["base"],
        )
        saved = one.ask(do="save", text=OTHER, base=first["base"])
        assert path.read_text() == OTHER
        assert two.event() == {"event": "file", "text": OTHER, "base": saved["base"]}
        lost = two.ask(do="save", text="width: 9\n", base=second["base"])
        assert (lost["conflict"], lost["base"]) == (OTHER, saved["base"])
        assert path.read_text() == OTHER
        assert "error" not in two.ask(do="save", text="width: 9\n", base=lost["base"])
        assert one.event()["text"] == "width: 9\n"


def test_a_page_sees_what_any_editor_does_with_the_file(shared: tuple[Editing, Path]) -> None:
    editing, path = shared
    path.write_text(TEXT)
    with editing.page() as page:
        page.ask(do="open")
        path.write_text(OTHER)
        assert page.event()["text"] == OTHER
        draft = path.with_suffix(".swp")
        draft.write_text("width: 3\n")
        draft.replace(path)
        assert page.event()["text"] == "width: 3\n"
        path.unlink()
        assert page.event() == {
            "event": "gone",
            "error": "mine.yaml cannot be read: it is not there",
        }
        path.write_text("width: 3\n")
        assert page.event()["text"] == "width: 3\n"
        path.unlink()
        assert page.event()["event"] == "gone"
        saved = page.ask(do="save", text=TEXT, base="whatever it was")
        assert (list(saved), path.read_text()) == (["base", "id"], TEXT)
        with path.open("wb") as file:
            file.truncate(50 * 2**20)
        said = "mine.yaml: expected a spec of at most 65536 bytes, got a larger file"
        assert page.event() == {"event": "gone", "error": said}
        assert page.ask(do="save", text=TEXT, base=saved["base"])["error"] == said
        assert path.stat().st_size == 50 * 2**20
        path.write_bytes(b"\xff\xfe")
        assert "expected UTF-8 text" in page.event()["error"]


def test_a_read_only_file_is_told(shared: tuple[Editing, Path]) -> None:
    editing, path = shared
    path.write_text(TEXT)
    path.chmod(0o444)
    try:
        with editing.page() as page:
            opened = page.ask(do="open")
            assert opened["writable"] is False
            reply = page.ask(do="save", text=OTHER, base=opened["base"])
            assert reply["error"].startswith("cannot write 'mine.yaml': it is read-only")
    finally:
        path.chmod(0o644)
    assert path.read_text() == TEXT


@pytest.mark.skipif(os.name != "posix", reason="no such limit elsewhere")
def test_a_full_disk_is_told_and_the_file_stays(path: Path) -> None:
    with Editing(path, start=FULL) as editing, editing.page() as page:
        opened = page.ask(do="open")
        reply = page.ask(do="save", text=OTHER, base=opened["base"])
        assert reply["error"].endswith("mine.yaml': File too large")
        assert page.ask(do="open")["text"] == TEXT
    assert [each.name for each in path.parent.iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=str)
def test_a_signal_ends_it_cleanly(path: Path, number: signal.Signals) -> None:
    with Editing(path) as editing, editing.page() as page:
        page.ask(do="open")
        (worker,) = editing.workers
        code, said = editing.end(number)
        why = {"SIGINT": "Ctrl-C", "SIGHUP": "the terminal was closed"}
        assert (code, said) == (0, f"ended: {why.get(number.name, 'SIGTERM')}\n")
        assert not Path(f"/proc/{worker}").exists()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
def test_killed_workers_and_servers_leave_nothing_behind(path: Path) -> None:
    with Editing(path) as editing, editing.page() as page:
        assert "<svg" in page.check(TEXT)["figure"]
        (worker,) = editing.workers
        os.kill(worker, signal.SIGKILL)
        assert eventually(lambda: worker not in editing.workers)
        assert "<svg" in page.check(OTHER)["figure"]
        (second,) = editing.workers
        assert second != worker
        editing.process.kill()
        editing.ended()
        assert eventually(lambda: not Path(f"/proc/{second}").exists())
    assert [each.name for each in path.parent.iterdir()] == ["mine.yaml"]
    assert path.read_text() == TEXT


def test_it_stays_while_a_page_is_loaded_again_and_ends_with_the_last(path: Path) -> None:
    with Editing(path, start=QUICK) as editing:
        for _ in range(3):
            with editing.page() as page:
                page.ask(do="open")
        assert editing.process.poll() is None
        assert editing.ended() == (0, "ended: its last page was closed\n")


def test_it_stays_where_it_is_told_to(path: Path) -> None:
    with Editing(path, "--keep", start=QUICK) as editing:
        with editing.page() as page:
            page.ask(do="open")
        with pytest.raises(subprocess.TimeoutExpired):
            editing.ended(1.5)
        assert editing.end() == (0, "ended: Ctrl-C\n")


def test_a_spec_that_it_extends_is_followed_too(path: Path) -> None:
    base = path.with_name("base.yaml")
    path.rename(base)
    text = "extends: base.yaml\n"
    path.write_text(text)
    with Editing(path) as editing, editing.page() as page:
        page.ask(do="open")
        first = page.check(text)["figure"]
        base.write_text(OTHER)
        assert page.event() == {"event": "extended"}
        second = page.check(text)["figure"]
        assert "<svg" in second
        assert second != first
        base.unlink()
        assert page.event() == {"event": "extended"}
        assert "base.yaml" in json.dumps(page.check(text)["problems"])
        base.write_text(TEXT)
        assert page.event() == {"event": "extended"}
        assert page.check(text)["figure"] == first


def test_no_page_is_told_what_is_half_written(path: Path) -> None:
    base = path.with_name("base.yaml")
    base.write_text(TEXT)
    text = "extends: base.yaml\n"
    with Editing(path, start=SLOWLY) as editing, editing.page() as page:
        page.ask(do="open")
        write_slowly(path, OTHER)
        assert page.event()["text"] == OTHER
        replace_slowly(path, text)
        assert page.event()["text"] == text
        first = page.check(text)["figure"]
        write_slowly(base, OTHER)
        assert page.event() == {"event": "extended"}
        assert "<svg" in page.check(text)["figure"] != first
        assert page.events == []


def test_what_is_remembered_of_another_text_is_followed_too(path: Path) -> None:
    one, two = path.with_name("one.yaml"), path.with_name("two.yaml")
    one.write_text(TEXT)
    two.write_text(TEXT)
    with Editing(path) as editing, editing.page() as page:
        first = page.check("extends: one.yaml\n")["figure"]
        page.check("extends: two.yaml\n")
        one.write_text(OTHER)
        assert page.event() == {"event": "extended"}
        assert page.check("extends: one.yaml\n")["figure"] != first


def test_a_catalogue_name_is_written_first_and_over_nothing(tmp_path: Path) -> None:
    path = tmp_path / "w18.yaml"
    with Editing(Path("hrnet_w18_cls"), "-o", str(path)) as editing:
        with editing.page() as page:
            assert "width: 18" in page.ask(do="open")["text"]
        assert editing.end()[0] == 0
    assert {each.name for each in tmp_path.iterdir()} == {"w18.yaml", "hrnet-graph.schema.json"}
    path.write_text("mine")
    again = run("edit", "hrnet_w18_cls", "-o", "w18.yaml", "--no-browser", cwd=tmp_path)
    assert (again.returncode, path.read_text()) == (2, "mine")
    path.rename(tmp_path / "hrnet_w18_cls.yaml")
    again = run("edit", "hrnet_w18_cls", "--no-browser", cwd=tmp_path)
    assert again.returncode == 2
    assert again.stderr == (
        "error: 'hrnet_w18_cls.yaml' is there already\n"
        "  `hrnet-graph edit hrnet_w18_cls.yaml` edits it; -o NAME.yaml writes another\n"
    )


def test_what_cannot_be_edited_is_refused_in_a_sentence(path: Path) -> None:
    large, folder = path.with_name("large.yaml"), path.parent
    with large.open("wb") as file:
        file.truncate(50 * 2**20)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments, said in (
            (["gone.yaml"], "error: no spec file at 'gone.yaml'"),
            (["large.yaml"], "error: large.yaml: expected a spec of at most 65536 bytes"),
            (["-"], "error: expected a file that ends in .yaml, or a name, got '-'"),
            (["mine.yaml", "-o", "x.yaml"], "error: -o is for a catalogue name"),
            (["mine.yaml", "--port", port], f"error: cannot listen at 127.0.0.1:{port}: "),
            (["mine.yaml", "--host", "no such host"], "error: cannot listen at no such host: "),
            (["mine.yaml", "--host", ""], "error: cannot listen at : "),
        ):
            done = run("edit", *arguments, "--no-browser", cwd=folder)
            assert done.returncode == 2, arguments
            assert done.stderr.splitlines()[-1].startswith(said) or done.stderr.startswith(said)
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("platform", "names", "is_so"),
    [("linux", {}, False), ("linux", {"DISPLAY": ":0"}, True), ("linux", {"BROWSER": "firefox"}, True),
     ("darwin", {}, True), ("win32", {}, True)],
)  # fmt: skip
def test_no_browser_takes_the_terminal(platform: str, names: dict[str, str], is_so: bool) -> None:
    assert is_with_windows(platform, names) is is_so
