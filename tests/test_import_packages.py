"""Against OpenMMLab's own packages: every HRNet config that they ship gives their network.

The packages are installed, without what they depend on, into a folder of this test's own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PACKAGES = [
    "mmengine==0.10.7",
    "mmcv-lite==2.1.0",
    "mmpose==1.3.2",
    "mmsegmentation==1.2.2",
    "mmdet==3.3.0",
    "mmpretrain==1.2.0",
    "addict",
    "yapf",
    "platformdirs",
    "termcolor",
    "opencv-python-headless",
    "json_tricks",
    "munkres",
    "terminaltables",
    "prettytable",
    "wcwidth",
    "shapely",
    "einops",
    "ftfy",
    "regex",
    "tqdm",
    "scipy",
    "six",
    "matplotlib",
    "contourpy",
    "cycler",
    "kiwisolver",
    "pyparsing",
    "python-dateutil",
]


@pytest.mark.slow
def test_every_config_that_the_packages_ship_gives_their_network(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(site),
    ]
    subprocess.run([*install, *PACKAGES], check=True)
    here = Path(__file__).parent
    path = os.pathsep.join(
        [*filter(None, [os.environ.get("PYTHONPATH")]), str(here.parent), str(site)]
    )
    result = subprocess.run(
        [sys.executable, str(here / "openmmlab.py"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    rows = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert [row for row in rows if row["outcome"] == "different"] == []
    counts = Counter((row["package"], row["outcome"]) for row in rows)
    print(*sorted(counts.items()), sep="\n")
    assert all(
        counts[package, "equal"] > 5 for package in ("mmpose", "mmseg", "mmdet", "mmpretrain")
    )
    named = ("AssociativeEmbeddingHead", "CIDHead", "gaussian", "PIDNet")
    for row in rows:
        if row["outcome"] == "refused":
            assert any(word in row["why"] for word in named), row
