"""examples/train.py: two processes, and nothing lost to SIGKILL."""

from __future__ import annotations

import copy
import json
import signal
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch
from processes import in_two_processes
from small import SMALL
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel
from trainer import ENVIRONMENT, OCR, SCRIPT, command, losses, run, script

import hrnet_graph as hg


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
