"""What becomes of a command whose output cannot be written, or is no longer read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commands import EVERY, STAYING, fill, run

from hrnet_graph.cli.main import COMMANDS

FULL = Path("/dev/full")
on_a_full_disk = pytest.mark.skipif(not FULL.exists(), reason="a file that is full is Linux's")

SCRIPT = """
import os, sys
from hrnet_graph.benchmark import measure as measuring
from hrnet_graph.cli.main import main
from hrnet_graph.spec import catalogue
catalogue.list_specs = lambda: ("hrnet_w18_cls", "hrnet_w32_cls")
catalogue.list_variants = lambda: ()
measuring.measure = lambda *_: [measuring.Row("torch", (0.1, 0.1))]
full = os.open("/dev/full", os.O_WRONLY)
for line in sys.stdin.read().splitlines():
    os.dup2(full, 1)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.argv = ["hrnet-graph", *line.split()]
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    print(f"{code}: {line}", file=sys.stderr)
"""


@on_a_full_disk
def test_every_command_says_in_one_message_that_its_output_is_full(tmp_path: Path) -> None:
    lines = (EVERY + STAYING).splitlines()
    assert {line.split()[0] for line in lines} == set(COMMANDS)
    fill(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=EVERY + STAYING,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    message = "error: cannot write to standard output: No space left on device"
    notes = ("assumed: ", "weights: random")
    said = [line for line in done.stderr.splitlines() if not line.startswith(notes)]
    assert said == [text for line in lines for text in (message, f"2: {line}")]


@on_a_full_disk
@pytest.mark.parametrize("arguments", ["flops gone", "validate gone.yaml", "frobnicate"])
def test_bad_input_keeps_its_exit_code_where_nobody_can_be_told(arguments: str) -> None:
    command = f"{sys.executable} -m hrnet_graph {arguments} 2> {FULL}"
    assert subprocess.run(command, shell=True, check=False).returncode == 2


@pytest.mark.parametrize("arguments", ["keys hrnet_w32_cls", "flops hrnet_w32_cls --by node"])
def test_a_closed_pipe_is_fine(arguments: str, tmp_path: Path) -> None:
    code = tmp_path / "code"
    command = f"({sys.executable} -m hrnet_graph {arguments}; echo $? > {code}) | head -n 1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    assert code.read_text() == "0\n"


def test_a_stream_that_is_closed_from_the_start_is_fine() -> None:
    command = f"{sys.executable} -m hrnet_graph memory hrnet_w18_small_v1_cls >&-"
    result = subprocess.run(command, shell=True, stderr=subprocess.PIPE, check=False)
    assert (result.returncode, result.stderr) == (0, b"")


def test_all_is_written_where_it_is_read() -> None:
    assert run("keys", "hrnet_w32_cls").stdout.endswith("keys\n")
