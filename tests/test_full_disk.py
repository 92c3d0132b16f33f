"""A full disk, a kill, modes and links: what is written is whole or not there, in every format."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from small import SMALL

from hrnet_graph.artefacts import ARTEFACTS
from hrnet_graph.errors import FileError
from hrnet_graph.files import atomic_write, write_text

DRAWN = (".svg", ".png", ".pdf")
"""What Graphviz writes."""

LIMIT = 600
"""Bytes that a file may have: fewer than any format takes for a network."""

WALK = f"""
import json, resource, sys
from pathlib import Path
from hrnet_graph.artefacts import ARTEFACTS
from hrnet_graph.compiler.model import Model
from hrnet_graph.compiler.build import build_graph
from hrnet_graph.errors import HRNetGraphError

graph, said = build_graph(json.loads(sys.argv[1])), []
resource.setrlimit(resource.RLIMIT_FSIZE, ({LIMIT}, {LIMIT}))
for i, artefact in enumerate(ARTEFACTS):
    path = Path(f"{{i}}{{artefact.suffix}}")
    try:
        artefact.write(Model(graph), path)
        said.append("written")
    except HRNetGraphError as error:
        said.append(str(error))
print(json.dumps(said))
"""


def python(folder: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A process in a folder, which a writer may end."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_writer_says_that_the_disk_is_full(tmp_path: Path) -> None:
    for package in ("onnx", "graphviz"):
        pytest.importorskip(package)
    done = python(tmp_path, WALK, json.dumps(SMALL))
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert len(said) == len(ARTEFACTS)
    for i, (artefact, message) in enumerate(zip(ARTEFACTS, said, strict=True)):
        if message.startswith("Graphviz could not draw"):  # whose own files are no larger
            assert artefact.suffix in DRAWN
            assert re.search("File too large|ended|crashed", message)
        else:
            assert message == f"cannot write '{i}{artefact.suffix}': File too large"
        assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


COMMAND = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({LIMIT}, {LIMIT}))
from hrnet_graph.cli.main import main
main()
"""


@pytest.mark.parametrize(("command", "suffix"), [("build", ".pt"), ("graph", ".graphml")])
def test_a_command_ends_with_code_2(tmp_path: Path, command: str, suffix: str) -> None:
    (tmp_path / "small.yaml").write_text(json.dumps(SMALL))
    (tmp_path / f"a{suffix}").write_text("precious")
    force = ["--force"] if command == "build" else []
    done = python(tmp_path, COMMAND, command, "small.yaml", "-o", f"a{suffix}", *force)
    assert done.returncode == 2
    assert done.stderr.endswith(f"error: cannot write 'a{suffix}': File too large\n")
    assert "Traceback" not in done.stderr
    assert (tmp_path / f"a{suffix}").read_text() == "precious"
    assert {path.name for path in tmp_path.iterdir()} == {"small.yaml", f"a{suffix}"}


KILLED = """
import os, signal
from hrnet_graph.files import atomic_write

with atomic_write("a.txt") as draft:
    draft.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_next_write_clears_what_a_kill_left(tmp_path: Path) -> None:
    assert python(tmp_path, KILLED).returncode == -9
    (left,) = tmp_path.iterdir()
    (tmp_path / left.name.replace("-", "_")).mkdir()  # somebody's own
    with atomic_write(tmp_path / "b.txt") as draft:
        assert not left.exists()
        write_text(tmp_path / "c.txt", "another")
        assert draft.exists()
        draft.write_text("whole")
    names = {left.name.replace("-", "_"), "b.txt", "c.txt"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for mode in (0o600, 0o640, 0o755):
        path.write_text("old")
        path.chmod(mode)
        write_text(path, "new")
        assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", mode)
    umask = os.umask(0o027)
    try:
        write_text(tmp_path / "b.txt", "new")
    finally:
        os.umask(umask)
    assert (tmp_path / "b.txt").stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for name in ("old", "none"):
        link, target = tmp_path / name, tmp_path / "there" / name
        link.symlink_to(Path("there") / name)
        if name == "old":
            target.write_text("old")
        write_text(link, "new")
        assert link.is_symlink()
        assert (target.read_text(), target.is_symlink()) == ("new", False)
    assert {path.name for path in (tmp_path / "there").iterdir()} == {"old", "none"}


def test_a_link_into_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to(tmp_path / "gone" / "a.txt")
    (tmp_path / "b.txt").symlink_to(tmp_path / "b.txt")
    with pytest.raises(FileError, match=r"a\.txt': no such folder"):
        write_text(tmp_path / "a.txt", "new")
    with pytest.raises(FileError, match=r"cannot write .*b\.txt': "):
        write_text(tmp_path / "b.txt", "new")
