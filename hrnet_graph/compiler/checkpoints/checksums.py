"""Whether weights are as they were written: CRC-32 of every tensor, as archives have it."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from mmap import ACCESS_READ, mmap
from pathlib import Path

import torch
from torch import Tensor

from hrnet_graph.errors import FileError, quoted
from hrnet_graph.spec.weights_file import MAX_TENSORS

THREADS = 4
_HEADER = 30
"""Bytes of a zip archive's local header before its name and extra field."""


def checksum(weights: Mapping[str, Tensor]) -> str:
    """The CRC-32 of names and values of weights, in hexadecimal digits; order does not matter."""
    names = sorted(weights)
    sums = _sums(_bytes_of(weights[name]) for name in names)
    rows = (f"{name}:{value:08x}" for name, value in zip(names, sums, strict=True))
    return f"{zlib.crc32(' '.join(rows).encode()):08x}"


def check_weights(weights: Mapping[str, Tensor], stated: object, path: str | Path) -> None:
    """Raises `FileError` if a file states a checksum of its weights, and another one comes out."""
    if isinstance(stated, str) and checksum(weights) != stated:
        raise FileError(f"{quoted(str(path), 200)} is damaged: its weights are not those written")


def check_archive(path: str | Path) -> None:
    """Raises `FileError` if a part of a zip archive, as torch writes, is not what was written.

    A file that is no archive passes: the older format has no checksums.
    """
    where = quoted(str(path), 200)
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive, Path(path).open("rb") as file:
        parts = archive.infolist()
        _check_parts(path, parts)
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            found = _sums(_stored(data, part) for part in parts)
    for part, crc in zip(parts, found, strict=True):
        if crc != part.CRC:
            raise FileError(f"{where} is damaged: {quoted(part.filename)} is not what was written")


def _check_parts(path: str | Path, parts: Sequence[zipfile.ZipInfo]) -> None:
    """Raises `FileError` if an archive is none of weights, or more than its bytes."""
    where = quoted(str(path), 200)
    if any(part.filename.endswith("/constants.pkl") for part in parts):
        code = f"import torch; m = torch.jit.load({str(path)!r})"
        raise FileError(
            f"{where} holds a TorchScript program, not weights",
            f"if it is trusted: python -c \"{code}; torch.save(m.state_dict(), 'weights.pth')\"",
        )
    if any(part.compress_type != zipfile.ZIP_STORED for part in parts):
        raise FileError(f"{where}: torch's archives are not compressed, this one is")
    if len(parts) > MAX_TENSORS:
        raise FileError(f"{where}: expected at most {MAX_TENSORS:,} parts, got {len(parts):,}")
    if sum(part.file_size for part in parts) > Path(path).stat().st_size:
        raise FileError(f"{where} is damaged: its parts overlap")


def _stored(data: mmap, part: zipfile.ZipInfo) -> memoryview:
    start = part.header_offset
    lengths = data[start + 26 : start + _HEADER]
    name, extra = (int.from_bytes(lengths[i : i + 2], "little") for i in (0, 2))
    start += _HEADER + name + extra
    return memoryview(data)[start : start + part.file_size]


def _bytes_of(tensor: Tensor) -> memoryview:
    flat = tensor.detach().cpu().contiguous().flatten()
    return flat.view(torch.uint8).numpy().data if flat.numel() else memoryview(b"")


def _sums(parts: Iterable[memoryview]) -> list[int]:
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(_sum, parts))


def _sum(part: memoryview) -> int:
    with part:
        return zlib.crc32(part)
