"""examples/train.py on damaged data: one line that names the file, whoever read it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from trainer import ENVIRONMENT, SCRIPT, TINY


def photos(folder: Path) -> Path:
    """Three images of three classes, the middle one damaged."""
    for number in range(3):
        place = folder / f"class{number}"
        place.mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(place / f"{number}.png")
    (folder / "class1" / "1.png").write_bytes(b"no image")
    return folder


@pytest.mark.parametrize("workers", [0, 2])
def test_a_damaged_image_is_one_line(tmp_path: Path, workers: int) -> None:
    data = photos(tmp_path / "photos\nof mine")
    spec = tmp_path / "tiny.yaml"
    spec.write_text(json.dumps(TINY))
    words = (SCRIPT, spec, "--data", data, "--batch", "1", "--workers", workers,
             "--output", tmp_path / "run")  # fmt: skip
    result = subprocess.run(
        [sys.executable, *map(str, words)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert re.match(r"error: '.*class1/1\.png' is no image that can be read: ", result.stderr)
    assert result.stderr.count("\n") == 1, result.stderr
