"""`--no-skips` lets no test be skipped for what could have been installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

SKIPPED = """
import pytest

def test_hardware(): pytest.skip("no CUDA GPU is present")

def test_software(): pytest.importorskip("a_package_that_nobody_has")

@pytest.mark.skipif(True, reason="needs a browser")
def test_marked(): pass

@pytest.mark.xfail(reason="known", strict=True)
def test_known(): assert False
"""


@pytest.mark.parametrize("spread", [[], ["-p", "xdist", "-n", "1"]], ids=["here", "spread"])
def test_software_that_is_missing_fails(spread: list[str], tmp_path: Path) -> None:
    (tmp_path / "test_skipped.py").write_text(SKIPPED)
    assert "3 skipped, 1 xfailed" in run(tmp_path, *spread)
    said = run(tmp_path, "--no-skips", *spread)
    assert "1 failed, 1 skipped, 1 xfailed, 1 error" in said
    assert "only hardware may be lacking: needs a browser" in said
    assert "only hardware may be lacking: could not import 'a_package_that_nobody_has'" in said


def test_a_whole_file_that_is_skipped_fails(tmp_path: Path) -> None:
    skipped = "import pytest\npytest.importorskip('a_package_that_nobody_has')\n"
    (tmp_path / "test_skipped.py").write_text(skipped)
    assert "1 skipped" in run(tmp_path)
    said = run(tmp_path, "--no-skips")
    assert "1 error" in said
    assert "could not import 'a_package_that_nobody_has'" in said


def run(folder: Path, *options: str) -> str:
    """What pytest prints of the folder's tests, run with the plugin `skips` alone."""
    command = [sys.executable, "-m", "pytest", "-p", "skips", "-p", "no:cacheprovider", *options]
    env = {**os.environ, "PYTHONPATH": str(TESTS)}
    result = subprocess.run(
        [*command, "--rootdir", str(folder), str(folder)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout
