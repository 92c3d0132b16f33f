"""examples/train.py: every head, two processes, and nothing lost to SIGKILL."""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from processes import in_two_processes
from small import SMALL
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

import hrnet_graph as hg

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "examples" / "train.py"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
TINY: dict[str, Any] = {
    **SMALL,
    "input": [3, 32, 32],
    "stages": SMALL["stages"][:2],
    "head": {"kind": "classification", "classes": 3, "channels": [2, 4], "features": 8},
}
OCR = {"kind": "ocr", "classes": 2, "features": 8, "keys": 4, "dropout": 0.5}


def command(folder: Path, output: str, *more: str) -> list[str]:
    spec = folder / "tiny.yaml"
    spec.write_text(json.dumps(TINY))
    return [str(SCRIPT), str(spec), "--output", str(folder / output), *more]


def run(*words: str) -> str:
    result = subprocess.run(
        [sys.executable, *words], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def losses(text: str) -> list[float]:
    return [float(loss) for loss in re.findall(r"loss ([\d.]+)", text)]


HEADS: list[tuple[dict[str, Any], int]] = [
    (TINY["head"], 2),
    ({"kind": "segmentation", "classes": 2}, 2),
    (OCR, 2),
    ({"kind": "heatmap", "joints": 2}, 1),
    ({"kind": "landmark", "points": 3}, 2),
    ({"kind": "bottom_up", "joints": 2, "blocks": 0}, 1),
]


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module `examples/train.py`, on one thread: so small a network is slower on more."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield script()
    torch.set_num_threads(threads)


def script() -> Any:
    """`examples/train.py` as a module, where its folder is on the path."""
    found = importlib.util.spec_from_file_location("train_example", SCRIPT)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("head", "outputs"), HEADS, ids=[head["kind"] for head, _ in HEADS])
def test_every_head_learns(
    example: Any, tmp_path: Path, head: dict[str, Any], outputs: int,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    words = command(tmp_path, "run", "--epochs", "8", "--lr", "3e-3", "--set",
                    f"head={json.dumps(head)}", "--set", f"stages.1.outputs={outputs}")  # fmt: skip
    monkeypatch.setattr(sys, "argv", words)
    example.main()
    found = losses(capsys.readouterr().out)
    assert len(found) == 48
    assert sum(found[-6:]) < 0.9 * sum(found[:6])
    model = hg.load(tmp_path / "run" / "model.pt")
    assert model.graph.name == "small"
    assert list((tmp_path / "run").glob("events.out.tfevents.*"))


def test_a_detector_learns(
    example: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("torchvision")
    head = {"kind": "feature_pyramid", "channels": 8, "levels": 3}
    words = command(tmp_path, "run", "--epochs", "1", "--set", f"head={json.dumps(head)}",
                    "--set", "input=[3, 64, 64]", "--set", "trunk=backbone")  # fmt: skip
    monkeypatch.setattr(sys, "argv", words)
    example.main()
    found = losses(capsys.readouterr().out)
    assert found[-1] < found[0]
    assert hg.load(tmp_path / "run" / "model.pt").graph.name == "small"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--set", "head=features"), "no loss for a features head"),
        (("--data", "nowhere"), "no images for a classification head"),
        (("--batch", "100"), "48 images make no batch of 100"),
        (
            (
                "--set",
                'head={"kind":"feature_pyramid","channels":8}',
                "--set",
                "trunk=backbone",
                "--checkpoint-activations",
                "block",
            ),
            "a detector is trained without checkpoint_activations",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused(
    example: Any, tmp_path: Path, more: tuple[str, ...], message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(sys, "argv", command(tmp_path, "run", *more))
    with pytest.raises(hg.HRNetGraphError, match=message):
        example.main()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--epochs", "0"), "--epochs: expected more than 0, got '0'"),
        (("--save-every", "0"), "--save-every: expected more than 0, got '0'"),
        (("--batch", "0"), "--batch: expected more than 0, got '0'"),
        (("--workers", "-1"), "--workers: expected more than -1, got '-1'"),
        (("--lr", "-1"), "--lr: expected more than 0, got '-1'"),
        (("--lr", "nan"), "--lr: expected more than 0, got 'nan'"),
        (("--batch", "many"), "--batch: invalid number value: 'many'"),
    ],
)
def test_a_number_out_of_range_is_refused(
    example: Any, more: tuple[str, ...], message: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["train.py", "any", *more])
    with pytest.raises(SystemExit):
        example.main()
    assert message in capsys.readouterr().err


def folder_of(tmp_path: Path, head: str, **files: str) -> Any:
    """The data of one drawn image `a.png`, 8 by 8, with the JSON files given."""
    from training.data import Folder

    (tmp_path / "images").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "images" / "a.png")
    for name, text in files.items():
        (tmp_path / f"{name}.json").write_text(text)
    return Folder(tmp_path, head, seed=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"points.json': Invalid JSON"),
        ("[]", r"points.json': Input should be an object"),
        ("{}", r"points.json' does not list the image 'a.png'"),
        ('{"a.png": []}', r"points.json': expected persons of equally many points, got no person"),
        ('{"a.png": [[[1, 2, 1]], [[1, 2, 1], [3, 4, 1]]]}', "equally many points, got 1 and 2"),
        ('{"a.png": [[[1, 2]]]}', r"points.json' at 'a.png.0.0.2': Field required"),
        ('{"a.png": [[[1, 2, NaN]]]}', r"points.json' at 'a.png.0.0.2': .*finite"),
        ('{"a.png": 3}', r"points.json' at 'a.png': Input should be a valid (list|array)"),
    ],
)
@pytest.mark.usefixtures("example")
def test_wrong_points_are_one_message(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(hg.FileError, match=message) as raised:
        folder_of(tmp_path, "heatmap", points=text)
    assert raised.value.hint == "expected {IMAGE: [[[x, y, seen], ...], ...], ...}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a.png": [[1, 2]]}', r"boxes.json' at 'a.png.0.2': Field required"),
        ('{"a.png": [[1, 2, 3, 4, 0]]}', r"boxes.json' at 'a.png.0.4': .*greater than 0"),
        ('{"a.png": [[3, 2, 1, 4, 1]]}', r"boxes.json' at 'a.png.0': .*left < right"),
        ('{"b.png": []}', r"boxes.json' does not list the image 'a.png'"),
    ],
)
@pytest.mark.usefixtures("example")
def test_wrong_boxes_are_one_message(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(hg.FileError, match=message) as raised:
        folder_of(tmp_path, "feature_pyramid", boxes=text)
    assert raised.value.hint == "expected {IMAGE: [[left, top, right, bottom, class], ...], ...}"


@pytest.mark.parametrize(("head", "name"), [("heatmap", "points"), ("feature_pyramid", "boxes")])
@pytest.mark.usefixtures("example")
def test_missing_marks_are_one_message(tmp_path: Path, head: str, name: str) -> None:
    with pytest.raises(hg.FileError, match=rf"cannot read .*{name}.json': No such file"):
        folder_of(tmp_path, head)


def masked(tmp_path: Path, mask: Image.Image | None) -> torch.Tensor:
    """What a network of three classes is to learn of a mask."""
    data = folder_of(tmp_path, "segmentation")
    data.spec = hg.load_spec({**TINY, "head": {"kind": "segmentation", "classes": 3}})
    (tmp_path / "masks").mkdir()
    if mask is not None:
        mask.save(tmp_path / "masks" / "a.png")
    target: torch.Tensor = data[0][1]
    return target


@pytest.mark.parametrize(("mode", "wanted"), [("L", 2), ("P", 2), ("1", 1)])
@pytest.mark.usefixtures("example")
def test_a_mask_holds_classes_in_every_mode(tmp_path: Path, mode: str, wanted: int) -> None:
    mask = Image.new(mode, (8, 8))
    if mode == "P":
        mask.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    mask.paste(wanted, (0, 0, 8, 4))
    target = masked(tmp_path, mask)
    assert target.shape == (32, 32)
    assert target[:16].unique().tolist() == [wanted]
    assert target[16:].unique().tolist() == [0]


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (None, "no mask at .*a.png"),
        (Image.new("RGB", (8, 8)), r"masks/a.png': expected a mask of mode L, P or 1, got RGB"),
        (Image.new("L", (8, 8), 7), r"masks/a.png' has a pixel of class 7, unknown to the head"),
    ],
    ids=["missing", "colours", "unknown class"],
)
@pytest.mark.usefixtures("example")
def test_a_wrong_mask_is_named(tmp_path: Path, mask: Image.Image | None, message: str) -> None:
    with pytest.raises(hg.FileError, match=message):
        masked(tmp_path, mask)


@pytest.mark.usefixtures("example")
def test_a_damaged_mask_is_named(tmp_path: Path) -> None:
    from training.data import read_mask

    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(hg.FileError, match=r"a.png' is no mask that can be read"):
        read_mask(tmp_path / "a.png")


@pytest.mark.usefixtures("example")
def test_ignored_pixels_weigh_nothing() -> None:
    from training.losses import pixels

    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    mask = torch.full((2, 8, 8), 255)
    nothing = pixels(logits, mask)
    nothing.backward()
    assert nothing.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()
    mask[0, :4] = 2
    enlarged = torch.nn.functional.interpolate(logits, size=(8, 8), mode="bilinear")
    wanted = torch.nn.functional.cross_entropy(enlarged[:1, :, :4], mask[:1, :4])
    torch.testing.assert_close(pixels(logits, mask), wanted)


def state(example: Any, path: Path, images: int) -> Any:
    """The state of a training of one weight."""
    options = Namespace(epochs=1, batch=1, lr=1.0, seed=0, bf16=False)
    model = torch.nn.Linear(1, 1)
    optimiser = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1.0)
    same = example.identity(options, hg.load_spec(TINY), images)
    return example.State(path, same, model, optimiser, schedule)


def test_more_images_are_another_training(example: Any, tmp_path: Path) -> None:
    state(example, tmp_path / "last.pt", 48).save(5)
    assert state(example, tmp_path / "last.pt", 48).resume() == 5
    with pytest.raises(hg.HRNetGraphError, match="training with another number of images"):
        state(example, tmp_path / "last.pt", 49).resume()


def test_a_damaged_checkpoint_is_one_message(example: Any, tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    torch.save({"model": {}}, path)
    with pytest.raises(hg.FileError, match=r"last\.pt' is no checkpoint of a training"):
        state(example, path, 48).resume()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(hg.FileError, match=r"last\.pt' is damaged"):
        state(example, path, 48).resume()


def _refusal(folder: Path) -> str:
    """Why a training cannot begin whose output lies inside of a file."""
    sys.path.insert(0, str(SCRIPT.parent))
    options = Namespace(spec="hrnet_w18_small_v1_cls", set=[], output=folder / "file" / "run")
    options.data = None
    with pytest.raises(hg.HRNetGraphError) as raised:
        script().prepare(options)
    return raised.value.message


@pytest.mark.slow
def test_all_processes_fail_with_the_first(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    first, second = in_two_processes(_refusal, tmp_path)
    assert "cannot write to" in first
    assert second == "the first process could not make the folder to write to"


@pytest.mark.slow
def test_killed_and_resumed_it_comes_to_the_same_weights(tmp_path: Path) -> None:
    more = ("--epochs", "3", "--save-every", "2", "--set", f"head={json.dumps(OCR)}")
    run(*command(tmp_path, "whole", *more))
    words = [sys.executable, *command(tmp_path, "killed", *more)]
    with subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as training:
        assert training.stdout is not None
        for line in training.stdout:
            if line.startswith("step 9/"):
                training.send_signal(signal.SIGKILL)
                break
    assert training.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "model.pt").exists()
    assert "goes on from step" in run(*words[1:])
    whole, resumed = (hg.load(tmp_path / name / "model.pt") for name in ("whole", "killed"))
    for key, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value), key
    with pytest.raises(AssertionError, match="of a training with another --lr"):
        run(*words[1:], "--lr", "1")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["ddp", "fsdp"])
def test_two_processes_under_torchrun(tmp_path: Path, how: str) -> None:
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    more = ("--epochs", "2", "--batch", "4", "--lr", "3e-3", "--parallel", how, "--bf16")
    text = run(*torchrun, *command(tmp_path, "run", *more))
    found = losses(text)
    assert len(found) == 12
    assert all(0 < loss < 10 for loss in found)
    (tmp_path / "run" / "model.pt").unlink()
    assert "goes on from step 12" in run(*torchrun, *command(tmp_path, "run", *more))
    assert (tmp_path / "run" / "model.pt").exists()


def _gradients(model: hg.Network, images: torch.Tensor) -> dict[str, dict[str, torch.Tensor]]:
    """The mean gradients over two processes, each with half of the images, by both ways."""
    mine = images[2 * torch.distributed.get_rank() :][:2]
    copied, sharded = copy.deepcopy(model), copy.deepcopy(model)  # what is given is shared
    wrapped = DistributedDataParallel(copied)
    wrapped(mine).square().mean().backward()
    mesh = init_device_mesh("cpu", (2,))
    for part in (sharded.stage2[0], sharded.stage3[0]):
        fully_shard(part, mesh=mesh)
    fully_shard(sharded, mesh=mesh)
    sharded(mine).square().mean().backward()
    whole = {key: value.grad.full_tensor() for key, value in _parameters(sharded)}
    return {"ddp": {key: value.grad for key, value in _parameters(copied)}, "fsdp": whole}


def _parameters(model: hg.Network) -> list[tuple[str, Any]]:
    return list(model.named_parameters())


@pytest.mark.slow
def test_two_processes_get_the_gradients_of_one() -> None:
    torch.manual_seed(0)
    model = hg.build_module(hg.load_spec(SMALL, {"norm": {"kind": "group", "groups": 2}}))
    images = torch.randn(4, 3, 64, 64)
    results = in_two_processes(_gradients, model, images)
    model(images).square().mean().backward()
    for result in results:
        for key, value in model.named_parameters():
            assert value.grad is not None
            for how in ("ddp", "fsdp"):
                found = result[how][key]
                torch.testing.assert_close(found, value.grad, rtol=1e-3, atol=1e-6, msg=key)
