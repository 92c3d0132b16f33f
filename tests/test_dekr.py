"""DEKR beyond what the catalogue's tests hold of every network: its parts, and its decoding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from published import DATA, fill
from small import SMALL, with_head
from written import load

import hrnet_graph as hg
from hrnet_graph.compiler.source.write import to_source
from hrnet_graph.errors import ShapeError
from hrnet_graph.ir.builder import Builder
from hrnet_graph.ir.graph import Initialisation
from hrnet_graph.ir.ops import Activation, AffineOffsets, BatchNorm, DeformConv2d, Split
from hrnet_graph.prediction.dekr import twins
from hrnet_graph.prediction.labels import labels_for
from hrnet_graph.prediction.looks import Looks
from hrnet_graph.prediction.offsets import (
    Maps,
    People,
    find_people,
    flip_images,
    mean_of_flipped,
    read_maps,
)
from hrnet_graph.prediction.pose_nms import suppress
from hrnet_graph.prediction.rescore import LINKS, features, load_rescorer
from hrnet_graph.prediction.results import Points
from hrnet_graph.prediction.run import Predictor
from hrnet_graph.prediction.scaled_view import view_of

HEAD: dict[str, Any] = {"kind": "dekr", "joints": 3, "joint_channels": 2, "joint_blocks": 1}
BLOCK = "offset_feature_layers.0.0"
COCO = labels_for("coco_keypoints", 17, "joint").names
PHOTO = Path(__file__).parents[1] / "examples" / "astronaut.jpg"


def adaptive(**changes: Any) -> hg.Spec:
    """A small network whose second stage has adaptive blocks."""
    head = {"head": {"kind": "heatmap", "joints": 2}, "stages.2.outputs": 1}
    return hg.load_spec(SMALL, {**head, "stages.1.block": "adaptive", **changes})


# the block


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
    from hrnet_graph.ir.types import TensorType

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


# decoding


def golden(name: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    with np.load(DATA / "golden" / f"{name}.npz") as file:
        meta = json.loads(bytes(file["meta"]).decode())
        return meta, {key: torch.from_numpy(file[key]) for key in file.files if key != "meta"}


@pytest.mark.parametrize("name", ["dekr_post_single", "dekr_post_flip"])
def test_the_golden_of_decoding_is_met(name: str) -> None:
    meta, given = golden(name)
    height, width = meta["image_hw"]
    view = view_of((width, height), meta["input_size"])
    assert [view.size[1], view.size[0]] == meta["base_size_wh"]
    assert [extent / 200 for extent in view.extent] == pytest.approx(meta["scale_wh"])
    assert list(view.centre) == meta["center_xy"]
    heatmaps, offsets = given["heatmap_1"][0], given["offset_1"][0]
    maps = read_maps(1.0, heatmaps, offsets)
    if meta["flip"]:
        other = read_maps(1.0, heatmaps.flip(2) + 0.01, 0.9 * offsets)
        maps = mean_of_flipped(maps, other, twins(COCO))
    people = find_people([maps], meta["config"]["DECREASE"])
    assert len(people.joints) == meta["proposals_per_scale_descending"][0]
    assert float((people.heatmaps[:, ::8, ::8] - given["heatmap_avg_slice"]).abs().max()) < 1e-6
    kept = suppress(people, meta["config"]["NMS_THRE"], 17 // 2)
    poses = torch.cat([kept.joints, kept.scores[..., None]], 2)
    final = torch.cat([view.to_image(kept.joints), kept.scores[..., None]], 2)
    for ours, theirs in ((poses, given["out_poses"]), (final, given["out_final"])):
        torch.testing.assert_close(ours[..., :2], theirs[..., :2], atol=1e-3, rtol=0)
        torch.testing.assert_close(ours[..., 2], theirs[..., 2], atol=1e-5, rtol=0)
    torch.testing.assert_close(kept.scores.mean(1), given["out_scores"], atol=1e-5, rtol=0)


def test_the_published_permutations_follow_from_names() -> None:
    assert twins(COCO) == (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
    crowd = labels_for("crowdpose_keypoints", 14, "joint").names
    assert twins(crowd) == (1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 12, 13)
    with pytest.raises(hg.HRNetGraphError, match="'left hand' has no other side"):
        twins(("left hand", "head"))


@pytest.mark.parametrize(
    ("size", "side", "scale", "expected"),
    [
        ((640, 480), 512, 1.0, (512, 704)),
        ((640, 480), 512, 0.5, (256, 352)),
        ((427, 640), 512, 2.0, (1536, 1024)),
        ((500, 500), 640, 1.0, (640, 640)),
        ((100, 1000), 600, 1.0, (6400, 640)),
    ],
)
def test_views_have_the_published_sizes(
    size: tuple[int, int], side: int, scale: float, expected: tuple[int, int]
) -> None:
    assert view_of(size, side, scale).size == expected


def test_a_view_is_the_image_where_they_are_of_one_size() -> None:
    photo = Image.effect_noise((128, 64), 50).convert("RGB")
    view = view_of(photo.size, 64)
    assert view.pixels == 1
    assert np.array_equal(np.asarray(view.warp(photo)), np.asarray(photo))
    there = view.from_image((10, 20))
    assert view.to_image(torch.tensor(there)).tolist() == pytest.approx([10, 20])


def test_flipped_images_are_moved_by_three_pixels() -> None:
    x = torch.arange(8.0).view(1, 1, 1, 8)
    assert flip_images(x).flatten().tolist() == [4, 3, 2, 1, 0, 2, 1, 0]


def maps_at(scale: float, *centres: tuple[int, int, float]) -> Maps:
    """Persons of three joints, 6 cells apart, at centres (row, column, height)."""
    side = int(16 * scale)
    heatmaps, offsets = torch.zeros(4, side, side), torch.zeros(6, side, side)
    offsets[0], offsets[3], offsets[4] = 3.0, 3.0, -3.0
    for row, column, height in centres:
        heatmaps[:, row, column] = height
    return read_maps(scale, heatmaps, offsets)


def test_other_scales_are_brought_to_the_first() -> None:
    once, half = maps_at(1, (4, 4, 0.5), (12, 12, 0.4)), maps_at(0.5, (4, 4, 0.8), (6, 6, 0.2))
    people = find_people([half, once], 0.9)
    assert people.scores[:, 0].tolist() == pytest.approx([0.5, 0.4, 0.45, 0.1125])
    assert people.joints[0].tolist() == [[4, 16], [16, 4], [28, 16]]
    assert people.joints[2].tolist() == [[8, 32], [32, 8], [56, 32]]
    assert people.heatmaps.shape == (4, 64, 64)
    assert float(people.heatmaps[3, 16, 16]) == pytest.approx(0.25)
    empty = find_people([maps_at(1), half], 0.9)
    assert empty.scores[:, 0].tolist() == pytest.approx([0.9, 0.225])
    assert suppress(find_people([maps_at(1)], 1.0), 0.05, 1).joints.shape == (0, 3, 2)


def test_of_poses_near_each_other_the_best_is_kept() -> None:
    poses = torch.tensor([[[0.0, 0], [40, 0], [0, 30]], [[1.0, 0], [41, 0], [0, 31]]])
    far, point = poses[:1] + 200, torch.full((1, 3, 2), 7.0)
    joints = torch.cat([poses, far, point])
    heatmaps = torch.rand(4, 300, 300) * 0.1
    heatmaps[:, 0, 1] = heatmaps[:, 0, 41] = heatmaps[:, 31, 0] = 1.0
    people = People(joints, torch.ones(4, 3), heatmaps)
    kept = suppress(people, 0.05, 1)
    assert kept.joints[:, 0].tolist() == [[1, 0], [200, 200]]
    assert kept.scores[0].tolist() == [1, 1, 1]
    assert len(suppress(people, 0.001, 1).joints) == 3


def rescorer(path: Path, joints: int = 17, **changes: torch.Tensor) -> Path:
    draw = torch.Generator().manual_seed(0)
    count = 3 * len(LINKS[joints][0]) + joints
    shapes = {"l1": (256, count), "l2": (256, 256), "l3": (1, 256)}
    weights = {f"{k}.weight": torch.randn(s, generator=draw) / 16 for k, s in shapes.items()}
    weights |= {f"{k}.bias": torch.zeros(s[0]) for k, s in shapes.items()}
    torch.save({"state_dict": {**weights, **changes}}, path)
    return path


@pytest.mark.parametrize(("joints", "count"), [(17, 74), (14, 59)])
def test_poses_are_rescored_by_their_form(tmp_path: Path, joints: int, count: int) -> None:
    points, scores = torch.rand(2, joints, 2) * 100, torch.rand(2, joints)
    x = features(points, scores)
    assert x.shape == (2, count)
    a, b = (list(ends) for ends in LINKS[joints])
    lengths = (points[0, a] - points[0, b]).norm(dim=1)
    torso = max(1.0, float(lengths[9] + lengths[11]) / 2)
    torch.testing.assert_close(x[0, len(a) * 2 : len(a) * 3], lengths / torso)
    assert x[0, 1] == pytest.approx(float(points[0, a[0], 1] - points[0, b[0], 1]) / torso)
    path = rescorer(tmp_path / "r.pth", joints)
    state = torch.load(path)["state_dict"]
    net = torch.nn.Sequential(*[torch.nn.Linear(*s) for s in ((count, 256), (256, 256), (256, 1))])
    for i, layer in enumerate(net, start=1):
        layer.load_state_dict({k: state[f"l{i}.{k}"] for k in ("weight", "bias")})
    with torch.no_grad():
        expected = net[2](net[1](net[0](x).relu()).relu())[:, 0]
    torch.testing.assert_close(load_rescorer(path, joints)(points, scores), expected)
    nan = load_rescorer(path, joints)(points * float("nan"), scores)
    assert nan.tolist() == [0, 0]


def test_what_rescores_other_poses_is_refused(tmp_path: Path) -> None:
    path = rescorer(tmp_path / "r.pth", 14)
    with pytest.raises(hg.FileError, match=r"l1\.weight: expected \(256, 74\) for 17 joints, got"):
        load_rescorer(path, 17)
    with pytest.raises(hg.FileError, match="got 'more' as well"):
        load_rescorer(rescorer(path, 14, more=torch.zeros(1)), 14)
    with pytest.raises(hg.HRNetGraphError, match="poses are rescored of 17 and 14 joints, got 5"):
        load_rescorer(path, 5)
    torch.save(with_head(HEAD).state_dict(), path)
    with pytest.raises(hg.FileError, match=r"expected l1\.weight of a network that rescores"):
        load_rescorer(path, 14)


@pytest.mark.parametrize(
    "scales", [(), (2,), (1, 1.0), (1, 0), (1, "2"), (1, 9), "1", (1, True), 1]
)
def test_scales_are_different_numbers_with_1_among_them(scales: Any) -> None:
    with pytest.raises(hg.HRNetGraphError, match="scales: expected different numbers up to 4"):
        Looks(scales=scales)


def joined(**changes: Any) -> hg.Spec:
    head = {"kind": "dekr", "joints": 14, "joint_channels": 1, "joint_blocks": 1}
    return hg.load_spec(SMALL, {"head": head, "labels": "crowdpose_keypoints", **changes})


def test_a_network_looks_as_often_as_it_is_asked(tmp_path: Path) -> None:
    model = hg.build_module(joined()).eval()
    fill(model)
    with torch.no_grad():
        heat: Any = model.get_submodule("head_heatmap.1")
        heat.bias[-1] += 10
        for j in range(14):
            last: Any = model.get_submodule(f"offset_final_layer.{j}")
            last.bias.copy_(torch.tensor([4.0 * (j % 4), 3.0 * (j % 5)]))
    seen: list[tuple[int, ...]] = []
    model.register_forward_pre_hook(lambda _, x: seen.append(tuple(x[0].shape)))
    path = rescorer(tmp_path / "r.pth", 14)
    photo = Image.open(PHOTO).crop((0, 0, 500, 300))
    how: dict[str, Any] = {"flip": True, "scales": [1, 0.5], "rescore": path}
    found = hg.predict(model, photo, **how)
    assert seen == [(1, 3, 64, 128)] * 2 + [(1, 3, 32, 64)] * 2
    assert isinstance(found.result, Points)
    assert found.result.scores == tuple(sorted(found.result.scores or (), reverse=True))
    assert len(found.result.instances) == len(found.result.scores or ()) > 0
    assert found.picture.width >= 500
    assert found.as_dict()["scores"] == list(found.result.scores or ())
    assert [len(pose) for pose in found.result.instances] == [14] * len(found.result.instances)


def test_what_looks_once_refuses_to_look_again() -> None:
    spec = hg.load_spec(SMALL, {"head": {"kind": "landmark", "points": 3}})
    with pytest.raises(hg.HRNetGraphError, match="flip and scales: for heads of the kind dekr al"):
        Predictor(spec, looks=Looks(flip=True, scales=(1, 2)))
    with pytest.raises(hg.HRNetGraphError, match="flip needs to know which joints are left and ri"):
        Predictor(joined(labels=None), looks=Looks(flip=True))
