"""Weights files, read without running code from them."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor

from hrnet_graph.compiler.checkpoints.dialects import Dialect, recognise
from hrnet_graph.compiler.checkpoints.matching import Unwrapped, unwrap
from hrnet_graph.compiler.torch.dense import unsupported_kind
from hrnet_graph.errors import FileError, error_line, quoted
from hrnet_graph.files import check_suffix, is_file

PICKLED = (".pt", ".pth", ".tar")
SAFE = (".safetensors",)


def read_content(path: str | Path) -> tuple[Mapping[str, Any], object]:
    """What a weights file says about itself, and what it holds. Raises `FileError`."""
    suffix = check_suffix(path, (*PICKLED, *SAFE))
    where = quoted(str(path), 200)
    if not is_file(path):
        raise FileError(f"no weights file at {where}")
    try:
        if suffix in SAFE:
            with safetensors.safe_open(path, framework="pt") as file:
                return file.metadata() or {}, load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, about its own ways to save
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, safetensors.SafetensorError) as error:
        raise FileError(f"{where} cannot be loaded safely: {_reason(error)}") from None
    except Exception as error:
        raise FileError(f"{where} is damaged or no weights file: {_reason(error)}") from None
    return (content if isinstance(content, dict) else {}), content


def _reason(error: Exception) -> str:
    """What a reader found, without torch's advice to read the file unsafely."""
    found = str(error).partition("WeightsUnpickler error:")[2]
    return error_line(Exception(found) if found else error).partition(". ")[0]


def unwrapped(content: object, path: str | Path) -> Unwrapped:
    """The weights in what a file holds. Raises `FileError` if some are no plain numbers."""
    where = quoted(str(path), 200)
    try:
        found = unwrap(content, lambda value: isinstance(value, Tensor))
    except FileError as error:
        raise FileError(f"{where}: {error.message}", error.hint) from None
    for key, value in found.weights.items():
        if kind := unsupported_kind(value):
            raise FileError(
                f"{where}: expected plain numbers for {quoted(key, 200)}, got a {kind} tensor",
                "make it one of real numbers in memory before it is saved",
            )
    return found


def dialect_of(path: str | Path, weights: Mapping[str, Tensor], dialect: str | None) -> Dialect:
    """The dialect of a file's weights. Raises `FileError`, naming the file, if none is known."""
    try:
        return recognise(weights, dialect)
    except FileError as error:
        raise FileError(f"{quoted(str(path), 200)}: {error.message}", error.hint) from None
