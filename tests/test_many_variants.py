"""Sweeps over many variants: what is alike is counted together, and memory stays as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hrnet_graph.search.sweep import share_of


@pytest.mark.parametrize(
    ("lengths", "share"),
    [((50, 5, 4), 20), ((100, 10, 10, 10), 1000), ((1000,), 32), ((7, 300), 66)],
)
def test_variants_that_are_alike_are_counted_together(lengths: tuple[int, ...], share: int) -> None:
    vary = {str(i): range(length) for i, length in enumerate(lengths)}
    assert share_of(vary, cores=2) == share


@pytest.mark.slow
def test_more_variants_take_no_more_memory(tmp_path: Path) -> None:
    code = """if True:
        import resource, sys
        from hrnet_graph.cli.main import main
        if __name__ == "__main__":
            try:
                main()
            finally:
                peaks = [resource.getrusage(who).ru_maxrss for who in (0, -1)]
                print(*peaks, file=sys.stderr)
    """
    (tmp_path / "measured.py").write_text(code)
    varied = "--vary", "stages.1.modules=1..4", "--vary", "stages.2.modules=1..5"
    most = []
    for widths in (30, 120):
        words = "sweep", "hrnet_w18_small_v1_cls", "--vary", f"width=8..{7 + widths}", *varied
        command = sys.executable, "measured.py", *words, "-o", "rows.csv"
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        most.append([int(peak) for peak in done.stderr.split()[-2:]])
    assert most[1][0] < 1.05 * most[0][0]
    assert most[1][1] < 1.05 * most[0][1]
