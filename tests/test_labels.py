"""Names and colours that a spec states: in a list, in a file beside it, and in what is predicted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import commands
import numpy as np
import pytest
from PIL import Image
from small import SMALL

import hrnet_graph as hg

PHOTO = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
TWO = {**SMALL, "head": {"kind": "segmentation", "classes": 2}}


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return commands.run(*words, cwd=folder)


def written(path: Path, **changes: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**TWO, **changes}))
    return path


def test_names_of_a_file_beside_the_spec_are_kept_in_what_is_saved(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "names.txt").write_text("cat\nKreuzung: 2, 'ja'\n\n", encoding="utf-8")
    base = written(tmp_path / "specs" / "base.yaml", labels="names.txt")
    (tmp_path / "mine.yaml").write_text("extends: specs/base.yaml\nwidth: 8\n")
    names = ("cat", "Kreuzung: 2, 'ja'")
    for path in (base, tmp_path / "mine.yaml"):
        assert hg.load_spec(path).labels == names
    hg.save(hg.build_module(base), tmp_path / "net.pt")
    base.unlink()
    (tmp_path / "specs" / "names.txt").unlink()
    found = hg.predict(hg.load(tmp_path / "net.pt"), PHOTO)
    assert found.labels.names == names
    assert {share["name"] for share in found.as_dict()["shares"]} <= set(names)


def test_an_override_takes_names_from_any_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "names.txt").write_text("cat\ndog")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for path in ("../names.txt", str(tmp_path / "names.txt")):
        assert hg.load_spec(TWO, {"labels": path}).labels == ("cat", "dog")
    assert hg.load_spec({**TWO, "labels": "../names.txt"}).labels == ("cat", "dog")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["cat"], "expected 2 of them, as many as `head.classes`, got 1"),
        (
            [],
            "expected imagenet, cityscapes, coco_keypoints, crowdpose_keypoints, a list of 1 to 2048 names, or a file",
        ),
        (["cat", 3], "labels.1: expected a name of 1 to 100 printable characters, got 3"),
        (["cat", "a\nb"], r"labels.1: expected a name .* got 'a\\nb'"),
        (["cat", " "], "labels.1: expected a name"),
        (["cat", "x" * 101], "labels.1: expected a name"),
        ("pets", "or a file of them such as names.txt, got 'pets'"),
        ("names.csv", "or a file of them such as names.txt, got 'names.csv'"),
        ("gone.txt", "labels: no file of names at 'gone.txt'"),
        (
            "../above.txt",
            "labels: expected a file in the folder of the spec, or below it, got '../a",
        ),
        ("link.txt", "labels: expected a file in the folder of the spec, or below it, got 'link"),
        (
            "/etc/names.txt",
            "labels: expected a file in the folder of the spec, or below it, got '/",
        ),
        ("blank.txt", r"blank.txt:2:1: labels.1: expected a name .* got ''"),
        ("three.txt", "labels: expected 2 of them, as many as `head.classes`, got 3"),
        ("large.txt", "large.txt: expected names of at most 40960 bytes, got a larger file"),
        ("bytes.txt", "bytes.txt: expected UTF-8 text, got another byte at 0"),
        ("folder.txt", "labels: no file of names at 'folder.txt'"),
        ("empty.txt", "a list of 1 to 2048 names, .* got 0 of them"),
    ],
)
def test_labels_that_cannot_be_taken_are_told_with_their_place(
    tmp_path: Path, labels: object, message: str
) -> None:
    (tmp_path / "above.txt").write_text("cat\ndog\n")
    spec = written(tmp_path / "specs" / "mine.yaml", labels=labels)
    folder = spec.parent
    (folder / "link.txt").symlink_to(tmp_path / "above.txt")
    (folder / "blank.txt").write_text("cat\n\ndog\n")
    (folder / "three.txt").write_text("cat\ndog\nbird\n")
    (folder / "large.txt").write_text("cat\n" * 20_000)
    (folder / "bytes.txt").write_bytes(b"\xff\xfe")
    (folder / "empty.txt").write_text("\n")
    (folder / "folder.txt").mkdir()
    with pytest.raises(hg.SpecError, match=message) as caught:
        hg.load_spec(spec)
    assert all(str(folder) in problem.place for problem in caught.value.problems)


def test_a_saved_spec_opens_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file of weights says comes from anybody."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    model = hg.build_module(TWO)
    hg.save(model, "net.safetensors")
    text = (tmp_path / "net.safetensors").read_bytes()
    size = int.from_bytes(text[:8], "little")
    header = json.loads(text[8 : 8 + size])
    header["__metadata__"]["spec"] += "labels: names.txt\n"
    changed = json.dumps(header).encode()
    whole = len(changed).to_bytes(8, "little") + changed + text[8 + size :]
    (tmp_path / "net.safetensors").write_bytes(whole)
    with pytest.raises(hg.FileError, match=r"a file of them such as names.txt, got 'names.txt'"):
        hg.load("net.safetensors")


def test_names_of_a_data_set_are_for_as_many_outputs_alone() -> None:
    ten = hg.load_spec("hrnet_w18_small_v1_cls", {"head.classes": 10})
    assert hg.predict(ten, Image.new("RGB", (64, 64))).labels.names[3] == "class 3"


def test_a_palette_colours_what_is_predicted(tmp_path: Path) -> None:
    palette = [[1, 2, 3], [250, 120, 30]]
    found = hg.predict(hg.load_spec(TWO, {"palette": palette}), PHOTO)
    _, raw, colours = found.save(tmp_path / "out.png")
    with Image.open(raw) as labels, Image.open(colours) as picture:
        wanted = np.array(palette, np.uint8)[np.asarray(labels)]
        np.testing.assert_array_equal(np.asarray(picture), wanted)
    for wrong, message in (
        ([[1, 2, 3]], "palette: expected 2 of them, as many as `head.classes`, got 1"),
        ([[1, 2, 3], [1, 2, 256]], "palette.1.2: expected at most 255, got 256"),
        (["red", "green"], "palette.0: expected a list, got 'red'"),
    ):
        with pytest.raises(hg.SpecError, match=message):
            hg.load_spec(TWO, {"palette": wrong})


def test_a_detectors_labels_leave_out_the_background() -> None:
    pytest.importorskip("torchvision")
    head = {"kind": "feature_pyramid", "channels": 8, "levels": 3}
    changes = {"head": head, "backbone": "b", "labels": ["cat", "dog"]}
    found = hg.predict(hg.load_spec(SMALL, changes), PHOTO, threshold=0.0)
    assert found.labels.names == ("background", "cat", "dog")
    assert {box["name"] for box in found.as_dict()["boxes"]} <= {"cat", "dog"}


def test_a_wrong_spec_ends_in_code_2_and_one_line_each(tmp_path: Path) -> None:
    spec = written(tmp_path / "mine.yaml", labels="names.txt")
    result = command(tmp_path, "validate", str(spec))
    assert result.returncode == 2
    assert "no file of names at 'names.txt'" in result.stderr + result.stdout
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    assert command(tmp_path, "validate", str(spec)).returncode == 0
    shown = command(tmp_path, "show", str(spec)).stdout
    assert "labels: [cat, dog]" in shown
