"""Weights files that hold something else than plain numbers, or that torch advises to run."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from small import SMALL
from torch import Tensor

import hrnet_graph as hg
from hrnet_graph.compiler.checkpoints.convert import convert


def quantised(value: Tensor) -> Tensor:
    return torch.quantize_per_tensor(value, 0.1, 0, torch.qint8)


def nested(value: Tensor) -> Tensor:
    return torch.nested.nested_tensor([value, value], layout=torch.jagged)


KINDS: dict[str, Callable[[Tensor], Tensor]] = {
    "meta": lambda value: value.to("meta"),
    "nested": nested,
    "quantised": quantised,
    "sparse": lambda value: value.to_sparse(),
    "complex": lambda value: value.to(torch.complex64),
}


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_plain_numbers(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    model = hg.build_module(SMALL)
    hg.save(model, path.with_suffix(".pt"))
    content: dict[str, Any] = torch.load(path.with_suffix(".pt"), weights_only=True)
    state = content["state_dict"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, about such tensors
        state["conv1.weight"] = KINDS[kind](state["conv1.weight"])
        torch.save(content, path)
    tasks: list[Callable[[], object]] = [
        lambda: hg.load(path),
        lambda: hg.build_module(SMALL, weights=path),
        lambda: hg.load_weights(model, path, partial=True),
        lambda: convert(path, "timm", tmp_path / "out.pth"),
    ]
    for task in tasks:
        with pytest.raises(
            hg.FileError,
            match=rf"net\.pth': expected plain numbers for 'conv1\.weight', got a {kind} tensor\n",
        ):
            task()
    assert not (tmp_path / "out.pth").exists()


def test_no_one_is_told_to_load_a_file_unsafely(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(bytes(range(255, 0, -1)) * 20)
    with pytest.raises(hg.FileError, match=r"cannot be loaded safely: Unsupported operand 255$"):
        hg.load(path)
    path.write_bytes(pickle.dumps({"a": print}, protocol=2))
    found = "cannot be loaded safely: Unsupported global: GLOBAL .*print was not an allowed global"
    with pytest.raises(hg.FileError, match=f"{found} by default$"):
        hg.load(path)
    path.write_bytes(b"")
    with pytest.raises(hg.FileError, match=r"is damaged or no weights file: EOFError$"):
        hg.load(path)
