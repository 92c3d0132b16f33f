"""examples/train.py on what it cannot train: one message that says why, and exit code 2."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import distributed, nn
from trainer import ENVIRONMENT, SCRIPT, TINY, command

import hrnet_graph as hg


def photos(folder: Path) -> Path:
    """Three images of three classes, the middle one damaged."""
    for number in range(3):
        place = folder / f"class{number}"
        place.mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(place / f"{number}.png")
    (folder / "class1" / "1.png").write_bytes(b"no image")
    return folder


@pytest.mark.parametrize("workers", [0, 2])
def test_a_damaged_image_is_one_line(tmp_path: Path, workers: int) -> None:
    data = photos(tmp_path / "photos\nof mine")
    spec = tmp_path / "tiny.yaml"
    spec.write_text(json.dumps(TINY))
    words = (SCRIPT, spec, "--data", data, "--batch", "1", "--workers", workers,
             "--output", tmp_path / "run")  # fmt: skip
    result = subprocess.run(
        [sys.executable, *map(str, words)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert re.match(r"error: '.*class1/1\.png' is no image that can be read: ", result.stderr)
    assert result.stderr.count("\n") == 1, result.stderr


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[None]:
    """A group of this process only."""
    meeting = (tmp_path / "meeting").as_uri()
    distributed.init_process_group("gloo", init_method=meeting, rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--partial",), "--partial changes nothing without weights"),
        (("--parallel", "fsdp"), "--parallel changes nothing for one process alone"),
    ],
)
def test_options_without_effect_are_refused(
    words: tuple[str, ...], message: str, example: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py", "tiny.yaml", *words])
    with pytest.raises(hg.HRNetGraphError, match=message):
        example.main()


@pytest.mark.usefixtures("alone")
def test_ddp_takes_no_shared_statistics_on_cpus(example: Any) -> None:
    cpu = torch.device("cpu")
    shared = hg.build_module(hg.load_spec(TINY, {"norm": "sync_batch"}))
    with pytest.raises(hg.HRNetGraphError) as refused:
        example.distribute(nn.Sequential(shared), "ddp", cpu)
    assert str(refused.value) == "DDP takes no sync_batch norm on CPUs\n  use --parallel fsdp"
    plain = hg.build_module(TINY)
    assert isinstance(example.distribute(plain, "ddp", cpu), nn.parallel.DistributedDataParallel)


@pytest.mark.slow
def test_every_process_of_torchrun_ends_with_code_2(tmp_path: Path) -> None:
    words = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
             *command(tmp_path, "run", "--set", "norm=sync_batch"))  # fmt: skip
    result = subprocess.run(
        [sys.executable, *words], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert "error: DDP takes no sync_batch norm on CPUs" in result.stderr
    assert "(exitcode: 2)" in result.stderr
    assert "ValueError" not in result.stderr
