"""What a file of weights says of itself, read without torch, and without running what it holds."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from itertools import islice, pairwise
from os import SEEK_END
from pathlib import Path

from hrnet_graph.errors import FileError, error_line, quoted
from hrnet_graph.files import FORMAT, check_suffix, is_file
from hrnet_graph.spec.source import MAX_BYTES

PICKLED = (".pt", ".pth", ".tar", ".ckpt")
SAFE = (".safetensors",)
PROGRAMS = (".pt2",)
PADDLE = (".pdparams",)
_START = 64
"""Bytes that tell a text, such as a page or a pointer that came in place of a file."""

SUFFIXES = (*PICKLED, *SAFE, *PROGRAMS, *PADDLE)

ABOUT = "hrnet_graph.json"
"""The extra file of an exported program that says what it is."""

CHECKSUM = "crc32"
"""Under which key a file says the checksum of its weights, where its format has none."""

SAYS = ("format", "spec", "weights", "detector", CHECKSUM)
"""What a file of ours says: what it is, the network's spec, which of its weights are random,
which detector they are of, and their checksum."""

MAX_HEADER = 2**27
"""How many bytes of a file are read at most to find what it says."""

MAX_STEPS = 500_000
"""Instructions of a pickle that are read; one of W64's with Adam's state has 200,000."""

MAX_TENSORS = 50_000
"""Tensors in a file; W64's with Adam's state has 8,000."""


def read_about(path: str | Path) -> Mapping[str, str]:
    """What a file of ours says of itself; hardly anything where it is somebody else's.

    Raises `FileError` if there is no such file, or if it is damaged.
    """
    suffix, where = check_suffix(path, SUFFIXES), quoted(str(path), 200)
    if not is_file(path):
        raise FileError(f"no weights file at {where}")
    check_binary(path)
    read = _of_safetensors if suffix in SAFE else _of_program if suffix in PROGRAMS else _of_pickle
    try:
        said = read(Path(path))
    except KeyError:
        raise no_archive(where) from None
    except Exception as error:  # whatever the readers say of a file that is cut off or forged
        raise FileError(f"{where} is damaged or no weights file: {error_line(error)}") from None
    if not isinstance(said, Mapping):
        return {}
    return {key: said[key] for key in SAYS if isinstance(said.get(key), str)}


def check_binary(path: str | Path) -> None:
    """Raises `FileError` for a file that is empty or text; the oldest pickles alone are text."""
    with Path(path).open("rb") as file:
        start = file.read(_START)
        file.seek(-1 if start else 0, SEEK_END)
        is_pickle = start.startswith((b"(", b"c")) and file.read() == b"."
    text = start.decode(errors="ignore")  # whose last character may be cut
    is_text = len(start) - len(text.encode()) < 4 and all(
        each.isprintable() or each.isspace() for each in text
    )
    if is_text and not is_pickle:
        line = next(iter(text.splitlines()), "")
        what = f"is a text file that begins with {quoted(line)}" if start else "is empty"
        raise FileError(f"{quoted(str(path), 200)} {what}; expected a file of weights")


def read_spec(path: str | Path) -> str:
    """The spec in a file of ours, as YAML. Raises `FileError` if it holds none."""
    hint = "build the network from a spec and give the file as weights instead"
    return spec_in(read_about(path), path, hint)


def spec_in(said: Mapping[str, object], path: str | Path, hint: str) -> str:
    """The spec in what a file says. Raises `FileError`, with the hint, if it says none of ours."""
    where, spec = quoted(str(path), 200), said.get("spec")
    if said.get("format") != FORMAT or not isinstance(spec, str):
        raise FileError(f"{where} holds no spec of ours", hint)
    if len(spec) > MAX_BYTES:
        raise FileError(f"{where} holds a spec that is wrong: it has more than {MAX_BYTES} bytes")
    return spec


def no_archive(where: str) -> FileError:
    """What is said of an archive that lacks what we write."""
    return FileError(
        f"{where} is no archive that hrnet-graph wrote",
        "a program of torch's own is opened by torch.export.load, if you trust its author",
    )


def _of_safetensors(path: Path) -> object:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > MAX_HEADER:
            raise ValueError("its header is too long")
        header = json.loads(file.read(length))
    if len(header) > MAX_TENSORS:
        raise ValueError(f"it has more than {MAX_TENSORS:,} tensors")
    return header.get("__metadata__")


def _of_program(path: Path) -> object:
    with zipfile.ZipFile(path) as archive:
        return json.loads(_entry(archive, f"extra/{ABOUT}"))


def _of_pickle(path: Path) -> object:
    """The texts behind our keys among a pickle's instructions, none of which is followed."""
    import pickletools  # which a spec in YAML needs none of

    if not zipfile.is_zipfile(path):
        return None  # of torch before 1.6, or none of torch's
    with zipfile.ZipFile(path) as archive:
        data = _entry(archive, "data.pkl")
    found: dict[str, str] = {}
    steps = islice(pickletools.genops(data), MAX_STEPS)
    texts = (text for _, text, _ in steps if isinstance(text, str))
    for key, value in pairwise(texts):
        if key == "state_dict" and "spec" in found:
            break
        if key in SAYS:
            found.setdefault(key, value)
    return found


def _entry(archive: zipfile.ZipFile, name: str) -> bytes:
    """An entry of an archive of torch's, by its name in the archive's one folder."""
    info = archive.getinfo(f"{archive.namelist()[0].partition('/')[0]}/{name}")
    if info.compress_type or info.file_size > MAX_HEADER:
        raise ValueError("torch's archives are not compressed")
    return archive.read(info)
