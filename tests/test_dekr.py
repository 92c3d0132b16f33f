"""DEKR beyond what the catalogue's tests hold of every network: its parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from published import fill
from small import SMALL, with_head
from written import load

import hrnet_graph as hg
from hrnet_graph.compiler.source.write import to_source
from hrnet_graph.errors import ShapeError
from hrnet_graph.ir.builder import Builder
from hrnet_graph.ir.graph import Initialisation
from hrnet_graph.ir.ops import Activation, AffineOffsets, BatchNorm, DeformConv2d, Split
from hrnet_graph.ir.types import TensorType

HEAD: dict[str, Any] = {"kind": "dekr", "joints": 3, "joint_channels": 2, "joint_blocks": 1}
BLOCK = "offset_feature_layers.0.0"


def adaptive(**changes: Any) -> hg.Spec:
    """A small network whose second stage has adaptive blocks."""
    head = {"head": {"kind": "heatmap", "joints": 2}, "stages.2.outputs": 1}
    return hg.load_spec(SMALL, {**head, "stages.1.block": "adaptive", **changes})


def test_a_block_begins_as_a_pointwise_convolution() -> None:
    """Weights that place the taps start at zero: all nine read the pixel itself."""
    model = with_head(HEAD).eval()
    block = model.get_submodule(BLOCK)
    x = torch.randn(1, 2, 7, 5)
    layer: Any = block.get_submodule("adapt_conv")
    summed = torch.einsum("oiyx,nihw->nohw", layer.weight, x)
    norm = block.get_submodule("bn")
    torch.testing.assert_close(block(x), (norm(summed) + x).relu())


def test_taps_lie_where_the_affine_map_takes_them() -> None:
    """The definition, tap by tap: A r + t beside the pixel, zero outside the map."""
    torch.manual_seed(3)
    matrix, shift = torch.randn(1, 4, 5, 6), torch.randn(1, 2, 5, 6)
    x, weight = torch.randn(1, 2, 5, 6), torch.randn(3, 2, 3, 3)
    b = Builder(BatchNorm(), Activation())
    maps = [b.input((8, 5, 6))]
    maps += [
        b.add(f"s{i}", Split(*ends), maps[0]) for i, ends in enumerate([(0, 2), (2, 6), (6, 8)])
    ]
    offsets = b.add("offsets", AffineOffsets(), maps[2], maps[3])
    y = b.add("conv", DeformConv2d(3), maps[1], offsets)
    how = Initialisation()
    model = hg.build_module(b.finish(y, name="taps", init=how, head_init=how))
    model.load_state_dict({**model.state_dict(), "conv.weight": weight})
    with torch.inference_mode():
        result = model(torch.cat([x, matrix, shift], 1))
    padded = torch.zeros(2, 105, 106)
    padded[:, 50:55, 50:56] = x[0]
    for row, column in ((0, 0), (2, 3), (4, 5)):
        a, t = matrix[0, :, row, column].view(2, 2), shift[0, :, row, column]
        expected = torch.zeros(3)
        for ky in range(3):
            for kx in range(3):
                place = torch.tensor([row, column]) + a @ torch.tensor([ky - 1.0, kx - 1.0]) + t
                corner = place.floor()
                for dy in (0, 1):
                    for dx in (0, 1):
                        at = (corner + torch.tensor([dy, dx])).long() + 50
                        share = (1 - (place - at + 50).abs()).prod()
                        expected += share * weight[:, :, ky, kx] @ padded[:, at[0], at[1]]
        torch.testing.assert_close(result[0, :, row, column], expected, atol=1e-4, rtol=1e-4)


def test_a_scope_holds_the_grid_before_its_layers() -> None:
    model = with_head(HEAD)
    keys = [key for key in model.state_dict() if key.startswith(f"{BLOCK}.")]
    assert keys == [key for key in model.graph.state() if key.startswith(f"{BLOCK}.")]
    names = [key.removeprefix(f"{BLOCK}.") for key in keys]
    assert names[:3] == [
        "regular_matrix",
        "transform_matrix_conv.weight",
        "transform_matrix_conv.bias",
    ]
    grid = model.state_dict()[f"{BLOCK}.regular_matrix"]
    assert grid.tolist() == [[-1, -1, -1, 0, 0, 0, 1, 1, 1], [-1, 0, 1, -1, 0, 1, -1, 0, 1]]
    assert f"{BLOCK}.regular_matrix" not in dict(model.named_parameters())


def test_a_file_with_another_grid_is_refused(tmp_path: Path) -> None:
    model = with_head(HEAD)
    key = f"{BLOCK}.regular_matrix"
    weights = {**model.state_dict(), key: model.state_dict()[key] + 0.25}
    torch.save(weights, tmp_path / "w.pth")
    with pytest.raises(hg.FileError, match="regular_matrix is not that of affine offsets 3x3"):
        hg.load_weights(model, tmp_path / "w.pth")


def test_two_grids_of_one_scope_are_refused() -> None:
    b = Builder(BatchNorm(), Activation())
    x = b.input((4, 5, 6))
    shift = b.add("shift", Split(0, 2), x)
    y = b.sum("sum", *(b.add(f"offsets{i}", AffineOffsets(), x, shift) for i in range(2)))
    how = Initialisation()
    with pytest.raises(hg.HRNetGraphError, match="'regular_matrix'"):
        b.finish(y, name="twice", init=how, head_init=how)


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ([(3, 5, 6), (17, 5, 6)], "take 18 offsets, got 17"),
        ([(3, 5, 6), (18, 5, 5)], "of one size, got 5x6 and 5x5"),
        ([(3, 5, 6)], "takes a map and the offsets of its taps, got 1 operands"),
    ],
)
def test_operands_that_do_not_fit_are_told(shapes: list[tuple[int, ...]], said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        DeformConv2d(4).infer(tuple(map(TensorType, shapes)))


def test_a_stage_of_adaptive_blocks_trains_and_is_written() -> None:
    model = hg.build_module(adaptive()).train()
    model(torch.randn(2, 3, 96, 64)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    fill(model)
    written = load(to_source(model.graph))
    fresh = written.state_dict()
    zero = [key for key in fresh if "transform_matrix_conv" in key or "translation_conv" in key]
    assert zero
    assert not any(fresh[key].any() for key in zero)
    written.load_state_dict(model.state_dict())
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(written.eval()(image), model.eval()(image))


def test_without_torchvision_a_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hrnet_graph.extras._is_installed", lambda name: name != "torchvision")
    graph = hg.build_graph(adaptive())  # counts and source need none
    assert "from torchvision.ops import DeformConv2d" in to_source(graph)
    with pytest.raises(
        hg.HRNetGraphError, match="deformable conv 3x3 needs torchvision"
    ) as refused:
        hg.build_module(graph)
    assert refused.value.hint == "pip install 'hrnet-graph[detection]'"


def test_bfloat16_is_refused_by_name() -> None:
    with pytest.raises(hg.HRNetGraphError, match="deformable conv 3x3, which torchvision has no b"):
        hg.compile(with_head(HEAD).eval(), "torch", "bfloat16")
