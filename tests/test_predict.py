"""From logits to what people look at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import commands
import pytest
import torch
from PIL import Image
from plugged import lay_out_package
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.compiler.model import about
from hrnet_graph.images import Placement, read_image
from hrnet_graph.prediction import decoders
from hrnet_graph.prediction.draw import colour_regions, draw
from hrnet_graph.prediction.labels import labels_for
from hrnet_graph.prediction.results import Box, Boxes, Classes, Points, Regions, Result, Scored
from hrnet_graph.rules.registry import rules
from hrnet_graph.spec.emit import to_yaml

PHOTO = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
WHOLE = Placement(0, 0, 400, 200, (200, 400))

HEADS: dict[str, dict[str, Any]] = {
    "classification": {"kind": "classification", "classes": 1000, "channels": [4, 8, 16]},
    "segmentation": {"kind": "segmentation", "classes": 19},
    "ocr": {"kind": "ocr", "classes": 300, "features": 8, "keys": 4},
    "heatmap": {"kind": "heatmap", "joints": 17},
    "landmark": {"kind": "landmark", "points": 5},
    "bottom_up": {"kind": "bottom_up", "joints": 17, "blocks": 1},
    "dekr": {"kind": "dekr", "joints": 3, "joint_channels": 2, "joint_blocks": 1},
    "feature_pyramid": {"kind": "feature_pyramid", "channels": 8, "levels": 5},
    "regression": {"kind": "regression", "joints": 17},
    "simcc": {"kind": "simcc", "joints": 17},
    "upernet": {"kind": "upernet", "classes": 19, "channels": 8},
}


def small(head: str, **changes: object) -> hg.Spec:
    return hg.load_spec(SMALL, {"head": HEADS[head], **changes})


@pytest.mark.parametrize("head", HEADS)
def test_every_head_answers(tmp_path: Path, head: str) -> None:
    assert set(HEADS) == rules("head").keys() - {"features", "multi"}  # which answer nothing alone
    torch.manual_seed(0)
    found = hg.predict(small(head), PHOTO, threshold=0.0)
    assert found.weights == "random weights"
    assert found.picture.width == 512
    assert found.picture.height > 512
    json.dumps(found.as_dict())
    files = found.save(tmp_path / "out.png")
    assert read_image(files[0]).size == found.picture.size
    if head in ("segmentation", "ocr", "upernet"):
        assert [file.name for file in files] == ["out.png", "out.labels.png", "out.colours.png"]
        with Image.open(files[1]) as raw:
            assert raw.size == (512, 512)
            assert raw.mode == ("I;16" if head == "ocr" else "L")
    assert sorted(file.name for file in files) == sorted(p.name for p in tmp_path.iterdir())


def test_weights_are_named(tmp_path: Path) -> None:
    model = hg.build_module(small("heatmap"))
    hg.save(model, tmp_path / "mine.pt")
    found = hg.predict(small("heatmap"), PHOTO, weights=tmp_path / "mine.pt")
    assert found.weights.endswith("mine.pt")
    again = hg.predict(small("heatmap"), PHOTO, weights=tmp_path / "mine.pt")
    assert found.as_dict() == again.as_dict()


def test_a_seed_makes_random_weights_the_same_again() -> None:
    first, again = (hg.predict(small("heatmap"), PHOTO, seed=4).as_dict() for _ in range(2))
    assert first == again
    assert first != hg.predict(small("heatmap"), PHOTO, seed=5).as_dict()


def test_a_backbone_answers_nothing() -> None:
    with pytest.raises(hg.HRNetGraphError, match="expected a head that answers") as caught:
        hg.predict(hg.load_spec(SMALL, {"head": {"kind": "features"}}), PHOTO)
    assert caught.value.message.endswith(
        "got features (known: bottom_up, classification, dekr, feature_pyramid, heatmap, landmark, ocr, "
        "regression, segmentation, simcc, upernet)"
    )


def test_an_absurd_input_is_refused_before_any_memory_is_taken() -> None:
    with pytest.raises(hg.HRNetGraphError, match="at most 100000000 pixels, got 65536x65536"):
        hg.predict(small("heatmap", **{"input.1": 65_536, "input.2": 65_536}), PHOTO)


def test_classes_are_the_likeliest_by_name() -> None:
    logits = torch.zeros(1, 1000)
    logits[0, 3], logits[0, 0] = 9.0, 7.0
    labels = labels_for("imagenet", 1000, "class")
    found = decoders.classes([logits], labels, WHOLE)
    assert [best.name for best in found.best[:2]] == ["tiger shark", "tench"]
    assert found.best[0].score == pytest.approx(float(logits.softmax(1)[0, 3]), abs=1e-4)
    assert len(decoders.classes([torch.zeros(1, 2)], labels_for(None, 2, "class"), WHOLE).best) == 2


def test_regions_are_the_likeliest_class_of_every_pixel() -> None:
    logits = torch.full((1, 19, 2, 2), -9.0)
    logits[0, 10, :, 0] = 9.0
    logits[0, 13, :, 1] = 9.0
    labels = labels_for("cityscapes", 19, "class")
    found = decoders.regions([logits], labels, Placement(0, 0, 60, 40, (40, 60)))
    assert found.labels.size == (60, 40)
    assert found.labels.getpixel((0, 0)) == 10
    assert found.labels.getpixel((59, 39)) == 13
    assert [(share.name, share.score) for share in found.shares] == [("sky", 0.5), ("car", 0.5)]
    assert colour_regions(found.labels, labels).getpixel((0, 0)) == (70, 130, 180)


@pytest.mark.parametrize("classes", [2, 19, 300])
@pytest.mark.parametrize("size", [(100, 140), (517, 333)])
def test_classes_one_by_one_give_what_all_at_once_do(classes: int, size: tuple[int, int]) -> None:
    torch.manual_seed(classes)
    probabilities = torch.randn(1, classes, 25, 35).softmax(dim=1)
    probabilities[0, -1, :5] = probabilities[0, 0, :5] = 1.0  # of equals the first
    probabilities[0, :, 7] = float("nan")
    whole = decoders.likeliest_class(probabilities, size, at_once=2**40)
    assert whole.max() == classes - 1
    assert torch.equal(decoders.likeliest_class(probabilities, size, at_once=0).long(), whole)


def peak_of_regions(classes: int, height: int, width: int) -> int:
    """How many bytes a process grows by at most when it decodes, draws and saves regions."""
    code = f"""
import resource
import tempfile
from pathlib import Path
import torch
from PIL import Image
from hrnet_graph.images import Placement
from hrnet_graph.prediction.decoders import regions
from hrnet_graph.prediction.draw import draw
from hrnet_graph.prediction.labels import labels_for
from hrnet_graph.prediction.run import Prediction

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def answer(height, width):
    photo = Image.new("RGB", (width, height))
    place = Placement(0, 0, width, height, (height, width))
    result = regions([torch.randn(1, {classes}, 128, 128)], labels, place)
    picture = draw(photo, result, labels, "a title")
    with tempfile.TemporaryDirectory() as folder:
        Prediction("a", "b", result, picture, labels).save(Path(folder) / "a.png")

labels = labels_for(None, {classes}, "class")
answer(64, 64)
before = peak()
answer({height}, {width})
print(1024 * (peak() - before))
"""
    command = [sys.executable, "-c", code]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_memory_does_not_grow_with_the_number_of_classes() -> None:
    """All 150 at once are 600 MB here."""
    assert peak_of_regions(150, 1000, 1000) < 150e6


@pytest.mark.slow
def test_a_photograph_of_12_megapixels_is_segmented_within_a_gibibyte() -> None:
    assert peak_of_regions(150, 3024, 4032) < 2**30


def test_points_are_peaks_in_the_pixels_of_the_image() -> None:
    heatmaps = torch.zeros(1, 2, 10, 20)
    heatmaps[0, 0, 4, 6], heatmaps[0, 0, 4, 7], heatmaps[0, 0, 5, 6] = 1.0, 0.5, 0.3
    heatmaps[0, 1, 0, 0] = 0.7
    found = decoders.points([heatmaps], labels_for(None, 2, "joint"), WHOLE)
    first, second = found.instances[0]
    assert first is not None
    assert second is not None
    assert (first.x, first.y, first.score) == (135.0, 95.0, 1.0)
    assert (second.x, second.y) == (10.0, 10.0)


def test_tags_group_joints_into_people() -> None:
    fine = torch.zeros(1, 3, 32, 32)
    coarse = torch.zeros(1, 6, 16, 16)
    for person, (row, tag) in enumerate(((4, 1.0), (24, 5.0))):
        for joint in range(3 - person):
            fine[0, joint, row, 8 * joint + 4] = 2.0
            coarse[0, 3 + joint, row // 2 - 1 : row // 2 + 2, :] = tag
    found = decoders.people([coarse, fine], labels_for(None, 3, "joint"), WHOLE)
    assert len(found.instances) == 2
    assert [sum(point is not None for point in person) for person in found.instances] == [3, 2]
    first = found.instances[0][0]
    assert first is not None
    assert [first.x, first.y] == pytest.approx([4.5 / 32 * 400, 4.5 / 32 * 200], abs=4)


def test_labels_are_used_only_where_they_are_as_many() -> None:
    assert labels_for("imagenet", 1000, "class").names[0] == "tench"
    assert labels_for("imagenet", 10, "class").names[0] == "class 0"
    assert labels_for("coco_keypoints", 17, "joint").skeleton
    assert len(set(labels_for(None, 150, "class").palette)) == 150


def test_pictures_of_every_result_say_what_they_show() -> None:
    image = Image.new("RGB", (200, 100), "grey")
    labels = labels_for("coco_keypoints", 17, "joint")
    shares = (Scored(0, "a", 0.7), Scored(1, "b", 0.3))
    halves = Image.new("L", (200, 100))
    halves.paste(1, (0, 0, 100, 100))
    peak = Image.new("L", (5, 5), 200)
    results: dict[type[Result], tuple[Result, Result]] = {
        Classes: (Classes(()), Classes(shares)),
        Points: (Points((), Image.new("L", (5, 5))), Points((), peak)),
        Regions: (Regions(Image.new("L", (200, 100)), ()), Regions(halves, shares)),
        Boxes: (Boxes(()), Boxes((Box(1, "a", 0.5, (-5.0, -5.0, 500.0, 50.0)),))),
    }
    assert set(results) == set(get_args(Result))
    for nothing, something in results.values():
        drawn = draw(image, something, labels, "a title")
        assert drawn.height > 100
        for other, title in ((nothing, "a title"), (something, "another")):
            assert drawn.tobytes() != draw(image, other, labels, title).tobytes()


@pytest.mark.parametrize("kind", ["missing", "text", "truncated", "folder", "huge"])
def test_bad_images_end_in_one_message(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "photo.png"
    if kind == "text":
        path.write_text("hello")
    elif kind == "truncated":
        path.write_bytes(PHOTO.read_bytes()[:3000])
    elif kind == "folder":
        path.mkdir()
    elif kind == "huge":
        Image.new("1", (20_000, 6_000)).save(path)
    with pytest.raises(hg.FileError, match=r"photo\.png") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_command(tmp_path: Path) -> None:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return commands.run("predict", *arguments, cwd=tmp_path)

    spec = tmp_path / "small.yaml"
    spec.write_text(about(hg.build_graph(small("segmentation")))["spec"])
    result = run(spec, PHOTO, "-o", "a.png", "--json")
    assert result.returncode == 0, result.stderr
    assert "weights: random (seed " in result.stderr
    assert json.loads(result.stdout)["files"] == ["a.png", "a.labels.png", "a.colours.png"]
    assert run(spec, PHOTO, "-o", "a.bmp").returncode == 2
    assert run(spec, "gone.jpg").stderr == "error: no image at 'gone.jpg'\n"


DEPTH = '''
from hrnet_graph.ir.builder import Builder


def depth(b: Builder, maps, *, bins: int):
    """The finest map to classes of depth."""
    return b.conv("depth", maps[0], bins, kernel=1, bias=True)
'''


@pytest.mark.parametrize(
    ("decoder", "said"),
    [
        ("hrnet_graph.prediction.decoders:REGIONS", ""),
        ("nowhere:DEPTH", "the decoder of the head 'depth' cannot be loaded from nowhere:DEPTH: "),
        ("depths:depth", "of depths:depth: expected a Decoder, got <function dep"),
        ("", "got depth (known: bottom_up, classification, dekr, feature_pyramid, heatmap"),
    ],
)
def test_another_packages_head_answers(tmp_path: Path, decoder: str, said: str) -> None:
    read = f"[hrnet_graph.decoders]\ndepth = {decoder}\n" if decoder else ""
    points = f"[hrnet_graph.heads]\ndepth = depths:depth\n{read}"
    lay_out_package(tmp_path, "depths", points, {"depths": DEPTH})
    spec = tmp_path / "small.yaml"
    spec.write_text(to_yaml(hg.load_spec(small("segmentation")).dump()))
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from hrnet_graph.cli.main import main; main()"
    head = "head={kind: depth, bins: 7}"
    command = [
        sys.executable,
        "-c",
        code,
        "predict",
        str(spec),
        str(PHOTO),
        "--set",
        head,
        "--json",
    ]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if said:
        assert result.returncode == 2
        assert said in result.stderr
        assert "Traceback" not in result.stderr
    else:
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)["shares"][0]["name"].startswith("class ")
