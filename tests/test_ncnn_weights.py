"""What ncnn's file of weights holds: the folded ones, multiplied where they are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.compiler.model import Model
from hrnet_graph.compiler.ncnn import model as ncnn_model
from hrnet_graph.compiler.ncnn.model import to_ncnn
from hrnet_graph.compiler.product import Product
from hrnet_graph.compiler.torch.dense import arrays


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("size", [64, 4096, 1 << 20])
def test_blocks_are_what_folding_first_gives(
    size: int, half: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ncnn_model, "BLOCK", size)
    network = hg.build_module(SMALL)
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if key.endswith("running_var"):
                value.uniform_(0.5, 1.5)
    model = Model(network.graph, arrays(network.state_dict(), exact=False))
    folded = model.optimized("ncnn")
    assert folded.weights is not None
    first = to_ncnn(folded.graph, folded.weights, half=half)
    late = to_ncnn(*model.optimized_late("ncnn"), half=half)
    assert not first.late
    assert bool(late.late) is not half
    expected = b"".join(first.chunks())
    assert b"".join(late.chunks()) == expected
    blocks = [bytes(block) for block in late.blocks()]
    assert b"".join(blocks) == expected
    assert {len(block) for block in blocks[:-1]} <= {size}


@pytest.mark.parametrize("start", [0, 3, 7, 10])
@pytest.mark.parametrize("size", [1, 4, 7, 19])
def test_a_part_of_a_product(start: int, size: int) -> None:
    rows = np.arange(35, dtype=np.float32).reshape(5, 7) / 3
    factors = np.sqrt(np.arange(1.0, 6))
    product = Product("w", rows, factors, (5, 7, 1, 1), np.dtype(np.float32))
    room = np.empty(size, np.float32)
    product.fill(start, room)
    assert product.array().shape == (5, 7, 1, 1)
    assert (room == product.array().reshape(-1)[start : start + size]).all()
    assert (product.array().reshape(5, 7) == (rows * factors[:, None]).astype(np.float32)).all()


@pytest.mark.parametrize(
    ("key", "lost", "half"),
    [
        ("conv1.weight", float("nan"), False),
        ("conv1.weight", float("nan"), True),
        ("stage2.0.branches.1.0.conv2.weight", float("-inf"), False),
        ("bn1.running_mean", float("inf"), False),
        ("classifier.weight", float("nan"), False),
    ],
)
def test_what_is_not_finite_is_refused_by_name(
    key: str, lost: float, half: bool, tmp_path: Path
) -> None:
    model, path = hg.build_module(SMALL).eval(), tmp_path / "net.param"
    hg.save(model, path)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    value = model.state_dict()[key].flatten()
    value[-1] = lost
    said = f"expected finite numbers for '{key}', 1 of {value.numel():,} are NaN or infinite"
    with pytest.raises(hg.FileError, match=said):
        hg.save(model, path, float16=half)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
