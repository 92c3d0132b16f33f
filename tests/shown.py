"""What the README shows: its Python, its commands, and the files that these write."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SHOWN = [
    line
    for line in "".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)).splitlines()
    if not line.startswith(("make ", "pip "))
]
LINES = [line for line in SHOWN if "stand_ins" not in line]
NAMED = {
    "hrnet-graph predict mine.pt photo.jpg": {"mine_photo.png"},
    "hrnet-graph render mine.yaml": {"mine.svg"},
    "hrnet-graph build hrnet_w32_cls --weights w.pth": {"hrnet_w32_cls.pt"},
    "hrnet-graph init hrnet_w32_cls -o mine.yaml": {"mine.yaml", "hrnet-graph.schema.json"},
}
"""What lines write that do not name it, or more than they name."""


def command(line: str) -> str:
    return line.partition("  #")[0].strip()


def written(line: str) -> set[str]:
    """The files that a line says, or is known, to write."""
    text = command(line)
    if text in NAMED:
        return NAMED[text]
    words = shlex.split(text)
    options = ("-o", "--render", "--plot", "--storage")
    return {words[i + 1] for i, word in enumerate(words) if word in options}
