"""Weights in torch's files and in safetensors, written whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from hrnet_graph.files import KeptErrors, atomic_write


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
        except SafetensorError as error:
            code = re.search(r"os error (\d+)", str(error))
            raise OSError(int(code[1]), os.strerror(int(code[1]))) if code else error from None
