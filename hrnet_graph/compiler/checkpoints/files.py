"""Weights files: read without running code from them, and written whole or not at all."""

from __future__ import annotations

import os
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, cast

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hrnet_graph.checks import checked_path
from hrnet_graph.compiler.checkpoints.checksums import check_archive, check_weights, checksum
from hrnet_graph.compiler.checkpoints.paddle import read_paddle
from hrnet_graph.compiler.checkpoints.pickles import check_pickles
from hrnet_graph.compiler.checkpoints.placeholders import Attack, load_inertly
from hrnet_graph.compiler.checkpoints.shards import SUFFIX as SHARDED
from hrnet_graph.compiler.checkpoints.shards import is_index, load_shards
from hrnet_graph.compiler.torch.export import read_pt2
from hrnet_graph.compiler.weights.dialects import Dialect, prefix_among, recognise
from hrnet_graph.errors import FileError, error_line, quoted
from hrnet_graph.files import FORMAT, KeptErrors, atomic_write, check_suffix, is_file
from hrnet_graph.spec.weights_file import (
    CHECKSUM,
    PADDLE,
    PROGRAMS,
    SAFE,
    SAYS,
    SUFFIXES,
    check_binary,
    read_about,
)


def read_content(path: str | Path) -> tuple[Mapping[str, object], object]:
    """What a weights file says of itself, and what it holds. Raises `FileError`."""
    path = checked_path("weights", path)
    suffix = SHARDED if is_index(path) else check_suffix(path, (*SUFFIXES, SHARDED))
    where = quoted(str(path), 200)
    if not is_file(path):
        raise FileError(f"no weights file at {where}")
    try:
        if suffix == SHARDED:
            return {}, load_shards(path)
        if suffix in SAFE:
            about, weights = read_about(path), load_file(path)
            check_weights(weights, about.get(CHECKSUM), path)
            return about, weights
        check_binary(path)
        check_archive(path)
        if suffix in PROGRAMS:
            return read_about(path), read_pt2(path)
        check_pickles(path)
        content = read_paddle(path) if suffix in PADDLE else _unpickled(path)
    except FileError:
        raise
    except (pickle.UnpicklingError, safetensors.SafetensorError) as error:
        raise FileError(f"{where} cannot be loaded safely: {_reason(error)}") from None
    except Exception as error:
        raise FileError(f"{where} is damaged or no weights file: {_reason(error)}") from None
    return _said_in(content)


def _said_in(content: object) -> tuple[Mapping[str, object], object]:
    """What a pickle says of itself in texts; a file of ours holds the rest alone."""
    if not isinstance(content, dict):
        return {}, content
    said = {key: content[key] for key in SAYS if isinstance(content.get(key), str)}
    is_ours = said.get("format") == FORMAT
    return said, {k: v for k, v in content.items() if k not in said} if is_ours else content


def _unpickled(path: str | Path) -> object:
    """What a pickle holds: tensors and plain data, and placeholders for what is neither."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, about its own ways to save
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            if not zipfile.is_zipfile(path):
                raise
            try:
                return load_inertly(path)
            except Attack:
                raise
            except Exception:
                raise error from None


def _reason(error: Exception) -> str:
    """What a reader found, without torch's advice to read the file unsafely."""
    found = str(error).partition("WeightsUnpickler error:")[2]
    return error_line(Exception(found) if found else error).partition(". ")[0]


def dialect_of(path: str | Path, weights: Mapping[str, Tensor], dialect: str | None) -> Dialect:
    """The dialect of a file's weights. Raises `FileError`, naming the file, if none is known."""
    try:
        return recognise(weights, dialect)
    except FileError as error:
        prefix = prefix_among(weights)
        hint = f"--prefix {prefix} (or prefix={prefix!r}) takes those behind it" if prefix else ""
        message = f"{quoted(str(path), 200)}: {error.message}"
        raise FileError(message, hint or error.hint) from None


def write_pickle(content: Mapping[str, object], path: str | Path) -> None:
    """Writes what `torch.load` reads. Raises `FileError` if it cannot be written."""
    with atomic_write(path) as draft, KeptErrors(draft) as file:
        torch.save(content, cast(IO[bytes], file))


def contiguous(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The values of a `state_dict` as files hold them: row by row, without history."""
    return {key: value.detach().contiguous() for key, value in state.items()}


def write_safetensors(
    state: Mapping[str, Tensor], path: str | Path, metadata: Mapping[str, str]
) -> None:
    """Writes tensors and text. Raises `FileError` if they cannot be written."""
    with atomic_write(path) as draft:
        try:
            sums = {CHECKSUM: checksum(state)}
            save_file(dict(state), draft, metadata={**metadata, **sums})
        except safetensors.SafetensorError as error:
            code = re.search(r"os error (\d+)", str(error))
            raise OSError(int(code[1]), os.strerror(int(code[1]))) if code else error from None
