"""Every table of every command in terminals of four widths: no number is cut, none is lost."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import EVERY, STAYING, fill

from hrnet_graph.cli.fit import fit, fold, shorten
from hrnet_graph.cli.main import COMMANDS
from hrnet_graph.cli.table import Table, change, number, text

WIDE = 1000
WIDTHS = (60, 80, 100, 200)

LINES = (
    EVERY
    + """list
published
keys hrnet_w18_cls
flops hrnet_w48_cls --by stage
flops hrnetv2_w48_ocr_cityscapes --by kind --sort macs
flops hrnet_w18_cls higherhrnet_w48_640 hrnetv2_w48_ocr_cityscapes
flops hrnet_w18_cls hrnetv2_w48 --by stage
flops small.yaml --verify
memory hrnetv2_w48_ocr_cityscapes
roofline hrnet_w48_cls --by branch --batch 64
field hrnetv2_w48_ocr_cityscapes
diff hrnet_w32_cls hrnetv2_w48
build hrnet_w48_cls --passes
sweep hrnet_w18_cls --vary width=18,48,-1 --vary stages.2.modules=4
search small.yaml --vary width=4,8 --storage s.db
"""
)
"""Every command, and every table that there is."""

SCRIPT = f"""
import fcntl, os, shutil, struct, sys, termios
from pathlib import Path
from hrnet_graph.benchmark import measure as measuring
from hrnet_graph.cli.main import main
seconds = [i / 7000 for i in range(10, 20)]
measuring.measure = lambda *_: [
    measuring.Row("torch", tuple(seconds), cold=1.25, peak=2**30, running=2**31),
    measuring.Row("openvino:bfloat16", error="the process was killed, perhaps for want of memory"),
]
for width in {(*WIDTHS, WIDE)}:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    shutil.copytree("start", str(width))
    os.chdir(str(width))
    for line in Path("../lines").read_text().splitlines():
        print(f"#### {{width}} {{line}}")
        sys.argv = ["hrnet-graph", *line.split()]
        try:
            main()
        except SystemExit as end:
            sys.stdout.flush()
            if end.code not in (0, 1):
                print(f"failed with {{end.code}}")
    os.chdir("..")
"""

NUMBER = re.compile(
    r"(?<![A-Za-z0-9.,^-])[+-]?[0-9][0-9,]*(?:\.[0-9]+)?(?:x[0-9]+)*(?: ([kMGT])\b)?(?![\w.,]*\w)"
)
POWERS = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def watched(script: str, folder: Path) -> str:
    """What a Python prints to a terminal."""
    ours, theirs = pty.openpty()
    env = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    errors = (folder / "errors").open("w")
    command = [sys.executable, "-c", script]
    terminal = {**env, "TERM": "xterm"}
    with errors, subprocess.Popen(command, cwd=folder, env=terminal, stdin=subprocess.DEVNULL,
                                  stdout=theirs, stderr=errors):  # fmt: skip
        os.close(theirs)
        found = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:  # how Linux says that the other side is closed
                break
            if not data:
                break
            found += data
        os.close(ours)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", found.decode()).replace("\r\n", "\n")


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, str], str]:
    """Width and command -> what is printed."""
    folder = tmp_path_factory.mktemp("widths")
    (folder / "start").mkdir()
    fill(folder / "start")
    (folder / "lines").write_text(LINES)
    parts = watched(SCRIPT, folder).split("#### ")[1:]
    assert "Traceback" not in (folder / "errors").read_text()
    found = {}
    for part in parts:
        head, _, rest = part.partition("\n")
        width, _, line = head.partition(" ")
        found[int(width), line] = rest
    return found


@pytest.mark.slow
def test_every_command_is_run(printed: dict[tuple[int, str], str]) -> None:
    lines = (LINES + STAYING).splitlines()
    assert {line.split()[0] for line in lines} == set(COMMANDS)
    assert set(printed) == {(w, line) for w in (*WIDTHS, WIDE) for line in LINES.splitlines()}
    assert not [key for key, text in printed.items() if "failed with" in text]
    tables = {line for (_, line), text in printed.items() if "───" in text}
    assert len(tables) > 20


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
def test_no_number_is_cut(width: int, printed: dict[tuple[int, str], str]) -> None:
    for line in LINES.splitlines():
        narrow, wide = printed[width, line], printed[WIDE, line]
        assert "…" not in narrow, line
        if "───" not in wide:
            assert "--help" in line or narrow == wide
            continue
        assert max(map(len, narrow.splitlines())) <= width, line
        shown, there = numbers(narrow), numbers(wide)
        for value in shown:
            assert value in there or any(is_short(value, other) for other in there), (line, value)
        lost = [n for n in there if n not in shown and not any(is_short(s, n) for s in shown)]
        left_out = re.search(r"left out: (.*?) \(", " ".join(narrow.split()))
        assert not lost or left_out, (line, lost)
        if left_out:
            headings = " ".join(wide.split())
            assert all(name in headings for name in left_out[1].split(", ")), line


def numbers(text: str) -> set[str]:
    """The numbers of a text, with k, M or G where one follows."""
    return {match[0] for match in NUMBER.finditer(text)}


def is_short(short: str, full: str) -> bool:
    """Whether a number with a decimal prefix is the other one, rounded to three digits."""
    digits, _, prefix = short.partition(" ")
    if prefix not in POWERS or not re.fullmatch(r"[+-]?[0-9,]+", full):
        return False
    exact = float(full.replace(",", ""))
    return abs(float(digits) * POWERS[prefix] - exact) <= 0.0051 * abs(exact)


def test_nothing_is_folded_within_a_number() -> None:
    assert fold("hrnet_w18_small_v1_cls", 12) == "hrnet_w18_\nsmall_v1_cls"
    assert fold("expected 1 to 1,234,567 at 0.25, got -12.5", 12) == (
        "expected 1\nto 1,234,567\nat 0.25, got\n-12.5"
    )
    assert fold("stages.2.modules", 10) == "stages.2.\nmodules"
    assert fold("a" * 25, 10) == f"{'a' * 10}\n{'a' * 10}\n{'a' * 5}"


def test_only_large_whole_numbers_are_shortened() -> None:
    cells = {"17,277,996,032": "17.3 G", "-1,016,565,760": "-1.02 G", "56,448": "56,448",
             "1,536.0": "1,536.0", "=": "=", "+999,950": "+1.00 M", "1,215": "1,215"}  # fmt: skip
    assert {cell: shorten(cell) for cell in cells} == cells


def test_columns_are_left_out_by_rank_and_the_first_never() -> None:
    table = Table(
        (
            text("name"),
            text("note", rank=3),
            number("params"),
            change("more"),
            text("error", rank=0),
        ),
        [{"name": "x" * 30, "note": "some words", "params": 5, "more": 0, "error": "bad"}],
    )
    for width, headings in ((80, 5), (66, 5), (65, 4), (58, 3), (46, 2), (38, 1), (9, 1)):
        assert len(fit(table, width).columns) == headings, width
    shown = fit(table, 40)
    assert [column.cells[0] for column in shown.columns] == ["name", "error"]
    assert shown.notes == [
        "left out: note, params, difference (a wider terminal or a pipe shows all)"
    ]
    assert fit(table, 0).columns == fit(table, 1000).columns
