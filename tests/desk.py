"""A person's desk: an empty folder and a clean environment, in which commands are typed."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PROGRAMS = {
    "hrnet-graph": [str(Path(sys.executable).with_name("hrnet-graph"))],
    "python": [sys.executable],
}


class Desk:
    """An empty folder and a clean environment, in which a person types."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "PYTHONPATH", "TMPDIR")}
        paths = (str(ROOT), kept.get("PYTHONPATH", ""))
        self.environment = {
            **kept,
            "HOME": str(folder),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        }

    def types(self, line: str, expected: int = 0) -> subprocess.CompletedProcess[str]:
        program, *arguments = shlex.split(line)
        result = subprocess.run(
            [*PROGRAMS[program], *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=170,
        )
        assert result.returncode == expected, f"{line}\n{result.stdout}\n{result.stderr}"
        assert "Traceback" not in result.stderr
        return result

    def asks(self, line: str, expected: int = 0) -> Any:
        """The JSON document that a command answers."""
        return json.loads(self.types(f"{line} --json", expected).stdout)

    def refused(self, line: str) -> str:
        """What a command says that refuses; it writes nothing."""
        before = {path: path.stat().st_mtime_ns for path in self.folder.rglob("*")}
        said = self.types(line, expected=2).stderr
        assert {path: path.stat().st_mtime_ns for path in self.folder.rglob("*")} == before
        return said

    def edits(self, name: str, *changes: tuple[str, str]) -> None:
        path = self.folder / name
        text = path.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)

    def __truediv__(self, name: str) -> Path:
        return self.folder / name
