"""examples/train.py: every head, two processes, and nothing lost to SIGKILL."""

from __future__ import annotations

import copy
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from processes import in_two_processes
from test_module import SMALL
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
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module `examples/train.py`."""
    import importlib.util

    monkeypatch.syspath_prepend(str(SCRIPT.parent))
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
    ],
)
def test_what_cannot_be_trained_is_refused(
    example: Any, tmp_path: Path, more: tuple[str, ...], message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(sys, "argv", command(tmp_path, "run", *more))
    with pytest.raises(hg.HRNetGraphError, match=message):
        example.main()


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
