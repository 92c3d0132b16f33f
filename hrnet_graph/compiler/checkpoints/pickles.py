"""Whether a pickle stays small when it is read: told from its instructions, none followed.

A pickle of some hundred bytes can name a tuple of tuples whose hash takes years, or double a text
until memory is full, and torch's safe reader would do it. Source: docs/adr/0073.
"""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from hrnet_graph.errors import FileError, quoted
from hrnet_graph.spec.weights_file import MAX_STEPS

MAX_TUPLE = 100_000
"""Values in a tuple and the tuples in it, shared ones as often as they stand there."""

PICKLES = 5
"""How many pickles stand one behind the other in a file of torch before 1.6."""

ENCODER, ENCODINGS = "_codecs encode", ("latin1", "latin-1")
"""What old pickles write bytes with; other encodings make longer bytes of bytes."""

Item = tuple[int, str]
"""How many values something on the stack is, if it can be hashed, and its text or name."""

_PUTS = ("PUT", "BINPUT", "LONG_BINPUT")
_GETS = ("GET", "BINGET", "LONG_BINGET")
_TUPLES = ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3")


def check_pickles(path: str | Path) -> None:
    """Raises `FileError` if reading a file of torch's would take time or memory without bounds.

    What is no pickle passes: its reader says so.
    """
    try:
        if not zipfile.is_zipfile(path):
            with Path(path).open("rb") as file:
                for _ in range(PICKLES):
                    _check(file, path)
            return
        with zipfile.ZipFile(path) as archive:
            for part in archive.namelist():
                if part.endswith(".pkl"):
                    with archive.open(part) as file:
                        _check(file, path)
    except (ValueError, IndexError, KeyError, OSError, zipfile.BadZipFile):
        return


def _check(file: IO[bytes], path: str | Path) -> None:
    where = quoted(str(path), 200)
    for step, problem in enumerate(_problems(file)):
        if problem or step >= MAX_STEPS:
            problem = problem or f"its pickle has more than {MAX_STEPS:,} instructions"
            raise FileError(f"{where} cannot be loaded safely: {problem}")


def _problems(file: IO[bytes]) -> Iterator[str]:
    """What is wrong with each instruction of a pickle, if anything is."""
    stack: list[Item] = []
    marks: list[int] = []
    memo: dict[object, Item] = {}
    for op, argument, _ in pickletools.genops(file):
        problem = ""
        if op.name in _PUTS or op.name == "MEMOIZE":
            memo[len(memo) if op.name == "MEMOIZE" else argument] = stack[-1]
        elif op.name in _GETS:
            stack.append(memo[argument])
        elif op.name == "MARK":
            marks.append(len(stack))
        else:
            taken = _take(op, stack, marks)
            made = _made(op, argument, taken)
            stack += [made] * len(op.stack_after)
            if made[0] > MAX_TUPLE:
                problem = f"it makes a tuple of more than {MAX_TUPLE:,} values"
            elif op.name == "REDUCE" and taken[0][1] == ENCODER and taken[1][1] not in ENCODINGS:
                problem = f"it encodes bytes as {quoted(taken[1][1])}, which no checkpoint needs"
        yield problem


def _take(op: pickletools.OpcodeInfo, stack: list[Item], marks: list[int]) -> list[Item]:
    """What an instruction takes from the stack."""
    before = op.stack_before
    if pickletools.markobject in before:
        start = marks.pop() - before.index(pickletools.markobject)
    else:
        start = len(stack) - len(before)
    if start < 0:
        raise ValueError("the stack is empty")
    taken = stack[start:]
    del stack[start:]
    return taken


def _made(op: pickletools.OpcodeInfo, argument: object, taken: list[Item]) -> Item:
    """What an instruction leaves on the stack; a tuple is named as its last item is."""
    if op.name in _TUPLES:
        return 1 + sum(size for size, _ in taken), taken[-1][1] if taken else ""
    return 1, argument if isinstance(argument, str) and len(argument) < 64 else ""
