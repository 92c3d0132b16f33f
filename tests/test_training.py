"""examples/train.py: every head learns, and what cannot be trained is refused."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch
from trainer import OCR, ROOT, TINY, command, losses

import hrnet_graph as hg
from hrnet_graph.compiler.random_weights import random_in
from hrnet_graph.rules.registry import rules

PHOTO = ROOT / "examples" / "astronaut.jpg"

HEADS: list[tuple[dict[str, Any], int]] = [
    (TINY["head"], 2),
    ({"kind": "segmentation", "classes": 2}, 2),
    (OCR, 2),
    ({"kind": "heatmap", "joints": 2}, 1),
    ({"kind": "landmark", "points": 3}, 2),
    ({"kind": "bottom_up", "joints": 2, "blocks": 0}, 1),
    ({"kind": "regression", "joints": 2}, 2),
    ({"kind": "simcc", "joints": 2}, 1),
    ({"kind": "upernet", "classes": 2, "channels": 8}, 2),
    ({"kind": "multi", "heads": {"pose": {"kind": "heatmap", "joints": 2}, "seg": OCR}}, 2),
]


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
    learnt = {head["kind"] for head, _ in HEADS} | {"feature_pyramid"}  # a detector, below
    assert learnt == rules("head").keys() - {"features", "dekr"}
    assert len(found) == 48
    assert sum(found[-6:]) < 0.9 * sum(found[:6])
    model = hg.load(tmp_path / "run" / "model.pt")
    assert model.graph.name.partition(", ")[0] == "small"
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
                    "--set", "input=[3, 64, 64]", "--set", "backbone=backbone")  # fmt: skip
    monkeypatch.setattr(sys, "argv", words)
    example.main()
    found = losses(capsys.readouterr().out)
    assert found[-1] < found[0]
    model = tmp_path / "run" / "model.pt"
    assert random_in(model) is None
    first, again = (hg.predict(model, PHOTO, threshold=0.0).as_dict() for _ in range(2))
    assert first == again
    assert first["random"] is None
    assert {box["index"] for box in first["boxes"]} <= {1, 2, 3}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--set", "head=features"), "no loss for a features head"),
        (("--set", 'head={"kind": "multi", "heads": {"a": "features"}}'), "no loss for a features"),
        (
            (
                "--set",
                'head={"kind": "multi", "heads": {"a": {"kind": "classification", "classes": 2}}}',
            ),
            "the head 'a' learns alone: the data of classification are laid out otherwise",
        ),
        (("--data", "nowhere"), "no images for a classification head"),
        (("--batch", "100"), "48 images make no batch of 100"),
        (
            (
                "--set",
                'head={"kind":"feature_pyramid","channels":8}',
                "--set",
                "backbone=backbone",
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
        (("--workers", "-1"), "--workers: expected more than -1 and less than 257, got '-1'"),
        (("--workers", "257"), "--workers: expected more than -1 and less than 257, got '257'"),
        (("--seed", "-1"), "--seed: expected more than -1 and less than 9223372036854775808"),
        (("--seed", "9" * 23), "--seed: expected more than -1 and less than 9223372036854775808"),
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
    with pytest.raises(SystemExit) as refused:
        example.main()
    assert refused.value.code == 2
    assert message in capsys.readouterr().err


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
    options = Namespace(epochs=1, weights=None, batch=1, lr=1.0, seed=0, bf16=False)
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
