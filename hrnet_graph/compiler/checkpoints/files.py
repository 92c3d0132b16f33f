"""Weights files: read without running code from them, and written whole or not at all."""

from __future__ import annotations

import os
import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hrnet_graph.compiler.checkpoints.dialects import Dialect, recognise
from hrnet_graph.compiler.torch.dense import unsupported_kind
from hrnet_graph.compiler.torch.export import read_pt2
from hrnet_graph.errors import FileError, error_line, quoted
from hrnet_graph.files import KeptErrors, atomic_write, check_suffix, is_file
from hrnet_graph.spec.weights_file import PROGRAMS, SAFE, SUFFIXES, read_about

WRAPPERS = ("best_state_dict", "state_dict", "model_state_dict", "model")
"""Under which keys training code puts the weights; the first that is there is taken."""

PREFIXES = ("module.", "model.")
"""What parallel and training wrappers put in front of every key."""

DETECTOR = "backbone.network."
"""What stands in front of the keys of a detector's pyramid; the others are of its heads."""

TRAINING_ONLY = ("loss.", "criterion.")
"""How the keys of what only training needs begin."""


def read_content(path: str | Path) -> tuple[Mapping[str, object], object]:
    """What a weights file says of itself, and what it holds. Raises `FileError`."""
    suffix = check_suffix(path, SUFFIXES)
    where = quoted(str(path), 200)
    if not is_file(path):
        raise FileError(f"no weights file at {where}")
    try:
        if suffix in (*PROGRAMS, *SAFE):
            return read_about(path), (load_file if suffix in SAFE else read_pt2)(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, about its own ways to save
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileError:
        raise
    except (pickle.UnpicklingError, safetensors.SafetensorError) as error:
        raise FileError(f"{where} cannot be loaded safely: {_reason(error)}") from None
    except Exception as error:
        raise FileError(f"{where} is damaged or no weights file: {_reason(error)}") from None
    return (content if isinstance(content, dict) else {}), content


def _reason(error: Exception) -> str:
    """What a reader found, without torch's advice to read the file unsafely."""
    found = str(error).partition("WeightsUnpickler error:")[2]
    return error_line(Exception(found) if found else error).partition(". ")[0]


@dataclass(frozen=True)
class Unwrapped:
    """The weights of a file under bare keys, what they were wrapped in, and what was left out.

    heads: those of a whole detector that are not its backbone's, under the detector's own keys
    """

    weights: Mapping[str, Tensor]
    wrapping: tuple[str, ...]
    ignored: tuple[tuple[str, str], ...]
    heads: Mapping[str, Tensor]


def unwrap(content: object, path: str | Path) -> Unwrapped:
    """The weights in what a file holds. Raises `FileError` if none are, or no plain numbers."""
    where = quoted(str(path), 200)
    wrapping: list[str] = []
    ignored: list[tuple[str, str]] = []
    while isinstance(content, Mapping):
        inner = next((w for w in WRAPPERS if isinstance(content.get(w), Mapping)), None)
        if inner is None:
            break
        ignored += [(str(key), f"stands beside {inner}") for key in content if key != inner]
        wrapping.append(inner)
        content = content[inner]
    if not isinstance(content, Mapping):
        raise FileError(f"{where}: expected named weights, got {type(content).__name__}")
    weights = {k: v for k, v in content.items() if isinstance(k, str) and isinstance(v, Tensor)}
    ignored += [(str(key), "is no weight") for key in content if key not in weights]
    while True:
        ignored += [(k, "is for training only") for k in weights if k.startswith(TRAINING_ONLY)]
        weights = {k: v for k, v in weights.items() if not k.startswith(TRAINING_ONLY)}
        if not weights:
            raise FileError(f"{where}: expected named weights, got none")
        prefix = next((p for p in PREFIXES if all(key.startswith(p) for key in weights)), None)
        if prefix is None:
            break
        wrapping.append(prefix)
        weights = {key.removeprefix(prefix): value for key, value in weights.items()}
    heads: dict[str, Tensor] = {}
    if any(key.startswith(DETECTOR) for key in weights):
        heads = {key: value for key, value in weights.items() if not key.startswith(DETECTOR)}
        ignored = [*((key, "is of the detector's heads") for key in heads), *ignored]
        wrapping.append(DETECTOR)
        weights = {k.removeprefix(DETECTOR): v for k, v in weights.items() if k not in heads}
    for key, value in {**weights, **heads}.items():
        if kind := unsupported_kind(value):
            raise FileError(
                f"{where}: expected plain numbers for {quoted(key, 200)}, got a {kind} tensor",
                "make it one of real numbers in memory before it is saved",
            )
    return Unwrapped(weights, tuple(wrapping), tuple(ignored), heads)


def dialect_of(path: str | Path, weights: Mapping[str, Tensor], dialect: str | None) -> Dialect:
    """The dialect of a file's weights. Raises `FileError`, naming the file, if none is known."""
    try:
        return recognise(weights, dialect)
    except FileError as error:
        raise FileError(f"{quoted(str(path), 200)}: {error.message}", error.hint) from None


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
            save_file(dict(state), draft, metadata=dict(metadata))
        except safetensors.SafetensorError as error:
            code = re.search(r"os error (\d+)", str(error))
            raise OSError(int(code[1]), os.strerror(int(code[1]))) if code else error from None
