"""Sweeps over many variants: what is alike is counted together, and memory stays as it is."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

import hrnet_graph as hg
from hrnet_graph.search.shares import results
from hrnet_graph.search.sweep import share_of


@pytest.mark.parametrize(
    ("lengths", "share"),
    [((50, 5, 4), 20), ((100, 10, 10, 10), 1000), ((1000,), 32), ((7, 300), 66)],
)
def test_variants_that_are_alike_are_counted_together(lengths: tuple[int, ...], share: int) -> None:
    vary = {str(i): range(length) for i, length in enumerate(lengths)}
    assert share_of(vary, cores=2) == share


def squares(faulty: str, first: int, last: int) -> list[int]:
    """A share of squares; the one with the square of 50 may be a faulty one."""
    if faulty and first <= 50 < last:
        if faulty == "ends":
            os._exit(3)
        raise hg.HRNetGraphError("no such square")
    return [number**2 for number in range(first, last)]


@pytest.mark.parametrize(("total", "share", "processes"), [(100, 7, 2), (5, 2, 8), (3, 9, 2)])
def test_shares_come_in_order(total: int, share: int, processes: int) -> None:
    found = results(partial(squares, ""), total, share, processes)
    assert [*found] == [number**2 for number in range(total)]
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("faulty", "message"),
    [("ends", "^a process that counts ended before its time"), ("raises", "^no such square")],
)
def test_a_share_that_fails_is_told_and_ends_all(faulty: str, message: str) -> None:
    with pytest.raises(hg.HRNetGraphError, match=message):
        list(results(partial(squares, faulty), 100, 10, 2))
    assert not multiprocessing.active_children()


def test_shares_that_nobody_asks_for_any_more_end() -> None:
    found = results(partial(squares, ""), 1_000_000_000, 10, 2)
    assert next(found) == 0
    del found
    assert not multiprocessing.active_children()


@pytest.mark.skipif(os.name != "posix", reason="signals are of POSIX systems")
def test_a_process_that_is_stopped_ends_too() -> None:
    found = results(partial(squares, ""), 1_000, 10, 2)
    next(found)
    stopped, _ = multiprocessing.active_children()
    assert stopped.pid is not None
    os.kill(stopped.pid, signal.SIGSTOP)
    time.sleep(0.1)  # until it stands
    ending = threading.Thread(target=found.close, daemon=True)  # type: ignore[attr-defined]
    ending.start()
    ending.join(20)
    stopped.kill()
    assert not ending.is_alive()


@pytest.mark.skipif(os.name != "posix", reason="a script in place of Python is of POSIX systems")
def test_processes_that_end_before_they_hear_what_to_do_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much that is: a pipe takes 64 KB of it, and the rest once it is read."""
    script = tmp_path / "python"
    goes_on = f'case "$*" in *resource_tracker*) exec "{sys.executable}" "$@";; esac'
    script.write_text(f"#!/bin/sh\n{goes_on}\nexit 1\n")
    script.chmod(0o700)
    monkeypatch.setattr("multiprocessing.spawn._python_exe", os.fsencode(script))
    said: list[str] = []

    def count() -> None:
        try:
            list(results(partial(squares, "x" * 200_000), 100, 10, 2))
        except hg.HRNetGraphError as error:
            said.append(error.message)

    counting = threading.Thread(target=count, daemon=True)
    counting.start()
    counting.join(20)
    assert said == ["a process that counts ended before its time, perhaps for want of memory"]


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
