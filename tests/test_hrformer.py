"""HRFormer beyond what the catalogue's tests hold of every network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from published import DATA, fill, golden_input
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.compiler.checkpoints.convert import convert
from hrnet_graph.ir.ops import DropPath, WindowAttention

BLOCK = {"kind": "transformer", "head_channels": 2, "window": 3}
TINY: dict[str, Any] = {
    "stages.1.block": BLOCK,
    "stages.2.block": BLOCK,
    "fuse": {"kind": "sum", "two_steps": True, "downsample": "depthwise"},
}


def stage(b: int) -> dict[str, Any]:
    return {f"stages.{i}.block": {**BLOCK, "drop_path": 0.2} for i in range(1, 1 + b)}


def test_the_golden_of_mmpose_is_met_by_its_own_names(tmp_path: Path) -> None:
    """Another repository's backbone: projections in one, other names, the bias read."""
    with np.load(DATA / "golden" / "mmpose_hrformer_small_backbone_128x96.npz") as file:
        meta = json.loads(bytes(file["meta"]).decode())
        expected = {name: torch.from_numpy(file[name]) for name in meta["outputs"]}
    bias = {f"stages.{i}.block.position_bias": True for i in (1, 2, 3)}
    head = {"head": {"kind": "features"}, "keys": None, "labels": None, "backbone": None}
    model = hg.build_module(hg.load_spec("hrformer_small_pose_256x192", {**bias, **head})).eval()
    index = next(v for k, v in model.state_dict().items() if k.endswith("position_index"))
    weights = {key: torch.zeros(shape) for key, shape in meta["state_dict_order"]}
    for key, value in weights.items():
        if key.endswith(("position_index", "num_batches_tracked")):
            weights[key] = index if value.dim() else value.long()
    fill(weights)
    torch.save({"state_dict": weights}, tmp_path / "mm.pth")
    report = hg.load_weights(model, tmp_path / "mm.pth")
    assert report.complete
    assert report.dialect == "openmmlab"
    with torch.inference_mode():
        (result,) = model(golden_input(meta["input_shape"]))
    ((name, facts),) = meta["outputs"].items()
    assert list(result.shape) == facts["shape"]
    steps = [int(n) for n in facts["slice"].replace("]", "").split("::")[1:] if n[:1].isdigit()]
    step = steps[0] if steps else 1
    error = (result[:, :, ::step, ::step] - expected[name]).abs().max()
    assert float(error) / facts["absmax"] < 2e-5
    hg.save(model, tmp_path / "ours.pt")
    convert(tmp_path / "ours.pt", "openmmlab", tmp_path / "again.pth")
    again = torch.load(tmp_path / "again.pth")["state_dict"]
    assert again.keys() == weights.keys()
    assert all(torch.equal(again[key], weights[key]) for key in weights)


def test_a_file_whose_windows_are_others_is_refused(tmp_path: Path) -> None:
    model = hg.build_module(hg.load_spec(SMALL, TINY))
    weights = model.state_dict()
    key = next(key for key in weights if key.endswith("relative_position_index"))
    torch.save({**weights, key: weights[key] * 0}, tmp_path / "w.pth")
    with pytest.raises(hg.FileError, match="relative_position_index is not that of attention 3x3"):
        hg.load_weights(model, tmp_path / "w.pth")


def test_dropped_paths_grow_from_the_first_block_to_the_last() -> None:
    graph = hg.build_graph(hg.load_spec(SMALL, {**TINY, **stage(2)}))
    rates = {
        node.path.rpartition(".")[0]: node.op.rate
        for node in graph.nodes
        if isinstance(node.op, DropPath)
    }
    assert rates["stage2.0.branches.1.0"] == 0
    assert rates["stage3.0.branches.2.0"] == pytest.approx(0.1)
    assert rates["stage3.1.branches.0.0"] == pytest.approx(0.2)


def test_training_drops_paths_and_reads_every_parameter() -> None:
    model = hg.build_module(hg.load_spec(SMALL, {**TINY, **stage(2)})).train()
    image = torch.randn(4, 3, 66, 64)
    first, second = model(image), model(image)
    assert not torch.equal(first, second)
    first.sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_what_heads_cannot_share_is_refused() -> None:
    with pytest.raises(hg.SpecError, match="4 channels cannot be divided into heads of 3"):
        hg.build_graph(hg.load_spec(SMALL, {**TINY, "stages.1.block.head_channels": 3}))


def test_half_precision_keeps_the_index_whole() -> None:
    model = hg.build_module(hg.load_spec(SMALL, TINY)).eval()
    key = "stage2.0.branches.0.0.attn.attn.k_proj.bias"
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        whole, half = model(image), model.bfloat16()(image.bfloat16()).float()
    state = model.state_dict()
    assert state[key].dtype == torch.bfloat16
    assert {v.dtype for k, v in state.items() if k.endswith("position_index")} == {torch.int64}
    assert float((whole - half).abs().max() / whole.abs().max()) < 0.2


def test_attention_is_counted_in_a_network() -> None:
    graph = hg.build_graph(hg.load_spec(SMALL, TINY))
    report = hg.analyze(graph)
    attention = [node for node in graph.nodes if isinstance(node.op, WindowAttention)]
    assert len(attention) == 2 + 2 * 3
    assert report.by("op")["attention 3x3"].macs == sum(
        report.nodes[node.path].macs for node in attention
    )
