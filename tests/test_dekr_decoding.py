"""DEKR's decoding: views, proposals, suppression, rescoring, and predictions by them."""

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

import hrnet_graph as hg
from hrnet_graph.prediction.labels import labels_for
from hrnet_graph.prediction.looks import Looks
from hrnet_graph.prediction.mirror import mean_of_heatmaps, twins
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
COCO = labels_for("coco_keypoints", 17, "joint").names
PHOTO = Path(__file__).parents[1] / "examples" / "astronaut.jpg"


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
    plain, many = hg.load_spec(SMALL), Looks(flip=True, scales=(1, 2))
    spec = hg.load_spec(SMALL, {"head": {"kind": "landmark", "points": 3}})
    with pytest.raises(
        hg.HRNetGraphError, match=r"^flip and scales: for heads of the kind dekr al"
    ):
        Predictor(plain, looks=many)
    with pytest.raises(hg.HRNetGraphError, match=r"^scales: for heads of the kind dekr al"):
        Predictor(spec, looks=many)
    with pytest.raises(hg.HRNetGraphError, match=r"flip: for .* kind dekr or heatmap or landmark"):
        Predictor(plain, looks=Looks(flip=True))
    with pytest.raises(hg.HRNetGraphError, match="no joint is called left or right"):
        Predictor(spec, looks=Looks(flip=True))
    with pytest.raises(hg.HRNetGraphError, match="flip needs to know which joints are left and ri"):
        Predictor(joined(labels=None), looks=Looks(flip=True))


def test_a_scale_that_does_not_fit_is_answered_by_one_that_does() -> None:
    photo = Image.new("RGB", (90, 70))
    with pytest.raises(hg.HRNetGraphError) as refused:
        hg.predict(joined(), photo, scales=[1, 0.3])
    assert refused.value.message.startswith("at scale 0.3, ")
    fits = float(refused.value.hint.removeprefix("a scale that fits: "))
    hg.predict(joined(), photo, scales=[1, fits])


def test_heatmaps_of_the_flipped_image_are_flipped_back_swapped_and_moved() -> None:
    """HRNet's protocol: by one cell, whose last column is lost."""
    plain, flipped = torch.zeros(1, 2, 1, 4), torch.zeros(1, 2, 1, 4)
    flipped[0, 0, 0, 1] = 2
    assert mean_of_heatmaps(plain, flipped, (1, 0))[0, 1, 0].tolist() == [0, 0, 0, 1]
    head = {"kind": "heatmap", "joints": 2}
    model = hg.build_module(
        hg.load_spec(SMALL, {"head": head, "labels": ["left ear", "right ear"]})
    )
    seen: list[Any] = []
    model.register_forward_hook(lambda _, x, y: seen.append((x[0], y)))
    found = hg.predict(model, Image.open(PHOTO), flip=True).result
    assert isinstance(found, Points)
    (image, one), (mirrored, other) = seen
    assert torch.equal(image.flip(3), mirrored)
    mean = mean_of_heatmaps(one, other, (1, 0))[0]
    points = [point for point in found.instances[0] if point]
    assert [point.score for point in points] == [round(float(x.max()), 4) for x in mean]
