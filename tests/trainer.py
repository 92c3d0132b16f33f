"""The script `examples/train.py`, as a person and as a test runs it."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from small import SMALL

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "examples" / "train.py"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
TINY: dict[str, Any] = {
    **SMALL,
    "input": [3, 32, 32],
    "stages": SMALL["stages"][:2],
    "head": {"kind": "classification", "classes": 3, "channels": [2, 4], "features": 8},
}
OCR = {"kind": "ocr", "classes": 2, "features": 8, "keys": 4, "dropout": 0.5}


def command(folder: Path, output: str, *more: str) -> list[str]:
    spec = folder / "tiny.yaml"
    spec.write_text(json.dumps(TINY))
    return [str(SCRIPT), str(spec), "--output", str(folder / output), *more]


def run(*words: str) -> str:
    result = subprocess.run(
        [sys.executable, *words], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def losses(text: str) -> list[float]:
    return [float(loss) for loss in re.findall(r"loss ([\d.]+)", text)]


def script() -> Any:
    """`examples/train.py` as a module, where its folder is on the path."""
    found = importlib.util.spec_from_file_location("train_example", SCRIPT)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
