"""`hrnet-graph watch`: what it writes is what the commands write, at every change of the spec."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from commands import run
from editing import SLOWLY, eventually, replace_slowly, with_blocks, write_slowly
from small import SMALL

TEXT = yaml.safe_dump(SMALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text(TEXT)
    return tmp_path


class Watching:
    """The running command, and what it has said so far."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def said(self) -> list[str]:
        return self._log.read_text().splitlines()

    def says(self, count: int) -> list[str]:
        """Its lines, once there are so many of them."""
        assert eventually(lambda: len(self.said) >= count, 20), self.said
        return self.said


@contextmanager
def watching(
    folder: Path, *arguments: str, start: str = "", env: Mapping[str, str] | None = None
) -> Iterator[Watching]:
    log = folder.parent / f"{folder.name}.log"
    with log.open("w") as stream:
        begin = ["-c", start] if start else ["-m", "hrnet_graph"]
        process = subprocess.Popen(
            [sys.executable, *begin, "watch", "mine.yaml", *arguments],
            cwd=folder,
            stderr=stream,
            stdout=stream,
            text=True,
            env={**os.environ, **(env or {})},
        )
    try:
        yield Watching(process, log)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
            assert log.read_text().endswith("ended: Ctrl-C\n")
    finally:
        process.kill()
        process.wait()


def test_each_file_is_what_its_command_writes_and_follows_the_spec(folder: Path) -> None:
    outputs = {
        "a.svg": "render",
        "b.json": "flops",
        "c.tex": "flops",
        "d.py": "build",
        "e.mmd": "render",
    }
    arguments = [word for name in outputs for word in ("-o", name)]
    with watching(folder, *arguments, "--set", "head.classes=7") as watch:
        watch.says(len(outputs))
        before = {name: (folder / name).read_bytes() for name in outputs}
        (folder / "mine.yaml").write_text(TEXT.replace("width: 4", "width: 8"))
        watch.says(2 * len(outputs))
        after = {name: (folder / name).read_bytes() for name in outputs}
    for name, command in outputs.items():
        fresh = f"fresh{Path(name).suffix}"
        done = run(command, "mine.yaml", "--set", "head.classes=7", "-o", fresh, cwd=folder)
        assert done.returncode == 0, done.stderr
        assert after[name] == (folder / fresh).read_bytes() != before[name]


def test_an_error_is_told_once_at_its_place_and_the_last_good_file_stays(folder: Path) -> None:
    spec = folder / "mine.yaml"
    with watching(folder, "-o", "a.svg", "-o", "a.csv") as watch:
        watch.says(2)
        good = (folder / "a.svg").read_bytes()
        spec.write_text(f"{TEXT}widht: 3\n")
        line = watch.says(3)[2]
        assert re.match(r"mine\.yaml:\d+:1: widht: unknown key; did you mean 'width'\?", line)
        spec.unlink()
        assert watch.says(4)[3] == "error: no spec file at 'mine.yaml'"
        assert (folder / "a.svg").read_bytes() == good
        draft = folder / "draft"
        draft.write_text(TEXT)
        draft.replace(spec)
        assert watch.says(6)[4:] == ["wrote a.svg", "wrote a.csv"]
        assert (folder / "a.svg").read_bytes() == good


def test_specs_that_it_extends_and_names_beside_it_are_followed(folder: Path) -> None:
    (folder / "there").mkdir()
    base = folder / "there" / "base.yaml"
    base.write_text(TEXT)
    names = folder / "names.txt"
    names.write_text("a\nb\nc\nd\ne\n")
    (folder / "mine.yaml").write_text("extends: there/base.yaml\nlabels: names.txt\n")
    with watching(folder, "-o", "a.json") as watch:
        watch.says(1)
        steps: list[Callable[[], object]] = [
            lambda: base.write_text(TEXT.replace("width: 4", "width: 8")),
            base.unlink,
            lambda: base.write_text(TEXT),
            names.unlink,
            lambda: names.write_text("a\nb\nc\nd\nf\n"),
        ]
        said = ["wrote a.json", "there/base.yaml", "wrote a.json", "names.txt", "wrote a.json"]
        for count, (step, expected) in enumerate(zip(steps, said, strict=True), 2):
            step()
            assert expected in watch.says(count)[-1]


@pytest.mark.parametrize("write", [write_slowly, replace_slowly])
def test_what_is_being_written_is_read_once_it_is_whole(
    folder: Path, write: Callable[[Path, str], None]
) -> None:
    (folder / "mine.yaml").rename(folder / "base.yaml")
    (folder / "mine.yaml").write_text("extends: base.yaml\nwidth: 8\n")
    with watching(folder, "-o", "a.json", start=SLOWLY) as watch:
        watch.says(1)
        write(folder / "mine.yaml", "extends: base.yaml\nwidth: 16\n")
        watch.says(2)
        write(folder / "base.yaml", TEXT.replace("classes: 5", "classes: 6"))
        assert watch.says(3) == ["wrote a.json"] * 3


def test_what_is_read_while_it_is_written_is_not_told(folder: Path) -> None:
    text = TEXT.replace("block: basic", "block: held")
    (folder / "mine.yaml").write_text(text)
    arguments = ("-o", "a.csv", "-o", "b.csv")
    with watching(folder, *arguments, start=SLOWLY, env=with_blocks(folder)) as watch:
        assert eventually((folder / "begun").exists, 20)
        with (folder / "mine.yaml").open("w") as spec:
            (folder / "go").touch()
            watch.says(1)
            time.sleep(0.3)  # meanwhile the second file's job finds nothing
            spec.write(text)
        assert set(watch.says(3)) == {"wrote a.csv", "wrote b.csv"}


@pytest.mark.skipif(os.name != "posix", reason="modes of files are of POSIX systems")
def test_an_output_that_cannot_be_written_keeps_no_other_from_it(folder: Path) -> None:
    with watching(folder, "-o", "a.svg", "-o", "b.csv") as watch:
        watch.says(2)
        (folder / "a.svg").unlink()
        (folder / "a.svg").mkdir()
        (folder / "mine.yaml").write_text(TEXT.replace("width: 4", "width: 8"))
        said = ["wrote b.csv", "error: cannot write 'a.svg': it is a folder"]
        assert watch.says(4)[2:] == said
        for count, width in enumerate((4, 8), 5):
            (folder / "mine.yaml").write_text(TEXT.replace("width: 4", f"width: {width}"))
            assert watch.says(count)[4:] == ["wrote b.csv"] * (count - 4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("gone.yaml -o a.svg", "error: no spec file at 'gone.yaml'"),
        ("- -o a.svg", "error: watch follows a file, got standard input"),
        ("mine.yaml -o -", "error: watch writes files again and again, got standard output"),
        ("mine.yaml -o mine.py", "error: 'mine.py' is there already"),
        ("mine.yaml -o a.svg -o a.svg", "error: expected each file once"),
        ("mine.yaml -o a.csv --fold", "error: --fold: of figures, got none to write"),
        ("mine.yaml -o a.svg --by stage", "error: --by: of counts, got no table to write"),
        ("mine.yaml -o a.yaml", "error: expected a file name that ends in .svg"),
    ],
)
def test_what_cannot_be_watched_is_refused(folder: Path, arguments: str, said: str) -> None:
    (folder / "mine.py").write_text("precious")
    done = run("watch", *arguments.split(), cwd=folder)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert done.stderr.startswith(said)
    assert {path.name for path in folder.iterdir()} == {"mine.yaml", "mine.py"}


def test_what_is_read_is_not_written_again_and_again(folder: Path) -> None:
    (folder / "mine.pt").write_bytes(b"precious")
    done = run("watch", "mine.pt", "-o", "mine.pt", "--force", cwd=folder)
    said = "error: 'mine.pt' is read, and cannot be written too\n  give -o another file\n"
    assert (done.returncode, done.stderr) == (2, said)
    assert (folder / "mine.pt").read_bytes() == b"precious"
