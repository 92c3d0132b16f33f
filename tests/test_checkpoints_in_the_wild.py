"""Checkpoints that people have: objects beside the weights, wrappers, shards, damage, attacks."""

from __future__ import annotations

import argparse
import collections
import json
import os
import pickletools
import random
import subprocess
import sys
import time
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import hrnet_graph as hg
from hrnet_graph.compiler.checkpoints.checksums import checksum
from hrnet_graph.compiler.checkpoints.convert import convert
from hrnet_graph.compiler.checkpoints.load import fit

NAME = "hrnet_w18_small_v1_cls"
NARROW = hg.load_spec(NAME, {"width": 6, "head.features": 64})


@pytest.fixture(scope="module")
def model() -> hg.Network:
    return hg.build_module(NARROW)


def load(path: Path, **how: Any) -> dict[str, torch.Tensor]:
    other = hg.build_module(NARROW)
    hg.load_weights(other, path, **how)
    return other.state_dict()


def agree(state: dict[str, torch.Tensor], model: hg.Network) -> bool:
    wanted = model.state_dict()
    return all(torch.equal(state[key], value) for key, value in wanted.items())


class History:
    """Stands for a class of training code."""

    def __init__(self) -> None:
        self.log = np.ones(3)


BESIDE: dict[str, Any] = {
    "numpy": {"best": np.float64(0.7), "row": np.arange(3)},
    "arguments": {"args": argparse.Namespace(lr=0.1, path=Path("x"))},
    "containers": {"c": collections.Counter("ab"), "d": collections.defaultdict(list, a=[1])},
    "history": {"message_hub": {"loss": History()}},
    "module": {"criterion": torch.nn.Linear(2, 2), "dtype": torch.float16},
    "weights of a loss": {"weights": torch.ones(2), "format": 3, "spec": [1]},
    "deque": {"q": collections.deque([1], maxlen=3), "s": {1, 2}, "z": 1j},
}


@pytest.mark.parametrize("what", BESIDE)
def test_what_stands_beside_the_weights_is_left(
    tmp_path: Path, model: hg.Network, what: str
) -> None:
    path = tmp_path / "x.pth"
    torch.save({"state_dict": model.state_dict(), **BESIDE[what]}, path)
    assert agree(load(path), model)


WRAPPED: dict[str, Any] = {
    "compiled": lambda s: {f"_orig_mod.{k}": v for k, v in s.items()},
    "compiled and parallel": lambda s: {f"module._orig_mod.{k}": v for k, v in s.items()},
    "a part compiled": lambda s: {
        k.replace("layer1.", "layer1._orig_mod."): v for k, v in s.items()
    },
    "sharded": lambda s: {f"_fsdp_wrapped_module.{k}": v for k, v in s.items()},
    "checkpointed": lambda s: {
        k.replace("stage2.", "stage2._checkpoint_wrapped_module."): v for k, v in s.items()
    },
    "torch's average": lambda s: {
        "model_ema": {"n_averaged": torch.tensor(2), **{f"module.{k}": v for k, v in s.items()}}
    },
    "average": lambda s: {"model_ema": s, "epoch": 3},
    "average of modules": lambda s: {"ema": {f"module.{k}": v for k, v in s.items()}},
    "teacher": lambda s: {f"teacher.{k}": v for k, v in s.items()},
    "deepspeed": lambda s: {"module": s, "optimizer": {}},
    "lightning": lambda s: {
        "state_dict": {f"model.{k}": v for k, v in s.items()},
        "hyper_parameters": argparse.Namespace(a=1),
        "pytorch-lightning_version": "2.0",
    },
}


@pytest.mark.parametrize("what", WRAPPED)
@pytest.mark.parametrize("suffix", [".pth", ".ckpt"])
def test_wrappers_are_taken_off(tmp_path: Path, model: hg.Network, what: str, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    torch.save(WRAPPED[what](model.state_dict()), path)
    assert agree(load(path), model)


def test_a_prefix_that_nobody_guesses_is_given(tmp_path: Path, model: hg.Network) -> None:
    path = tmp_path / "x.pth"
    state = {f"net.encoder.{k}": v for k, v in model.state_dict().items()}
    torch.save({**state, "net.decoder.weight": torch.ones(1)}, path)
    with pytest.raises(
        hg.FileError, match=r"--prefix net\.encoder\. \(or prefix='net\.encoder\.'\)"
    ):
        load(path)
    assert agree(load(path, prefix="net.encoder."), model)
    with pytest.raises(hg.FileError, match=r"expected keys that begin with 'other\.', got 'net\."):
        load(path, prefix="other.")


def test_shards_are_read_by_their_index(tmp_path: Path, model: hg.Network) -> None:
    state = {key: value.contiguous() for key, value in model.state_dict().items()}
    keys = list(state)
    parts = {"a.safetensors": keys[::2], "b.safetensors": keys[1::2]}
    for name, inside in parts.items():
        save_file({key: state[key] for key in inside}, tmp_path / name)
    index = tmp_path / "x.safetensors.index.json"
    places = {key: name for name, inside in parts.items() for key in inside}
    index.write_text(json.dumps({"weight_map": places}))
    assert agree(load(index), model)
    index.write_text(json.dumps({"weight_map": {**places, "more": "a.safetensors"}}))
    with pytest.raises(hg.FileError, match="lack 'more'"):
        load(index)
    for bad in ('{"weight_map": {"a": "../x.safetensors"}}', "{", "[]", '{"weight_map": {}}'):
        index.write_text(bad)
        with pytest.raises(hg.FileError, match="expected"):
            load(index)


def test_a_pickled_module_is_refused_with_what_makes_weights_of_it(
    tmp_path: Path, model: hg.Network
) -> None:
    for content in (torch.nn.Linear(2, 2), {"model": torch.nn.Linear(2, 2)}):
        path = tmp_path / "whole.pth"
        torch.save(content, path)
        with pytest.raises(hg.FileError, match="holds a pickled module, torch") as refusal:
            load(path)
        line = refusal.value.hint.partition("python -c ")[2].strip('"')
        subprocess.run([sys.executable, "-c", line], check=True, cwd=tmp_path)
        assert list(torch.load(tmp_path / "weights.pth")) == ["weight", "bias"]


class Attack:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


ATTACKS: dict[str, Any] = {
    "command": Attack(os.system, "touch hacked"),
    "process": Attack(subprocess.Popen, ["touch", "hacked"]),
    "evaluation": Attack(eval, "open('hacked', 'w')"),
    "file": Attack(open, "hacked", "w"),
    "import": Attack(__import__, "antigravity"),
    "attribute": Attack(getattr, "x", "__class__"),
}


@pytest.mark.parametrize("what", ATTACKS)
def test_attacks_end_in_one_message_and_run_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: hg.Network, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "x.pth"
    torch.save({"state_dict": model.state_dict(), "x": ATTACKS[what]}, path)
    with pytest.raises(hg.FileError, match="which no checkpoint needs"):
        load(path)
    assert list(tmp_path.iterdir()) == [path]


def _archive(path: Path, pickle: bytes, copies: int = 0) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", b"\x80\x02" + pickle)
        archive.writestr("x/version", "3")
        archive.writestr("x/data/0", bytes(2**20))
        archive.filelist += [archive.filelist[-1]] * copies


TUPLES = b"".join(b"0h%ch%c\x86q%c" % (i, i, i + 1) for i in range(40))
TEXTS = b"X\x04\0\0\0abcdX\x06\0\0\0latin1\x86R" + b"X\x03\0\0\0hex\x86R" * 40
BOMBS = {
    "hash": (b"})q\0" + TUPLES + b"K\x01s.", "a tuple of more than 100,000 values"),
    "texts": (b"c_codecs\nencode\n" * 41 + TEXTS + b".", "it encodes bytes as 'hex'"),
    "instructions": (b"](" + b"N" * 5_000_000 + b"e.", "more than 500,000 instructions"),
    "itself": (b"}q\0X\5\0\0\0modelh\0s.", "expected named weights"),
}
"""Pickles of a few bytes that take years or all memory where they are followed, and what is said."""


@pytest.mark.parametrize("what", BOMBS)
def test_bombs_end_in_one_message_and_soon(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x.pth"
    pickle, words = BOMBS[what]
    _archive(path, pickle)
    graph = hg.build_graph(NAME)
    begin = time.process_time()
    assert sum(1 for _ in pickletools.genops(b"N" * 500_000 + b".")) == 500_001
    start = time.process_time()
    with pytest.raises(hg.FileError, match=words):
        fit(graph, path)
    assert time.process_time() - start < 10 * (start - begin)  # on a quiet machine 2 s


def test_an_archive_is_no_more_than_its_bytes(tmp_path: Path) -> None:
    for copies, words in ((2000, "its parts overlap"), (60_000, "at most 50,000 parts")):
        path = tmp_path / f"{copies}.pth"
        _archive(path, b"}.", copies)
        with pytest.raises(hg.FileError, match=words):
            fit(hg.build_graph(NAME), path)


def test_a_weight_that_repeats_its_values_is_not_written_out(
    tmp_path: Path, model: hg.Network
) -> None:
    path = tmp_path / "x.pth"
    torch.save({**model.state_dict(), "more": torch.ones(1).expand(10**6, 10**6)}, path)
    begin = time.process_time()
    with pytest.raises(hg.FileError, match="'more' repeats its values"):
        convert(path, "timm", tmp_path / "y.pth")
    assert time.process_time() - begin < 10  # no number is looked at again and again
    assert list(tmp_path.iterdir()) == [path]


def test_a_program_of_torchscript_is_refused_with_what_makes_weights_of_it(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)
    with pytest.raises(hg.FileError, match="holds a TorchScript program") as refusal:
        fit(hg.build_graph(NAME), path)
    line = refusal.value.hint.partition("python -c ")[2].strip('"')
    subprocess.run([sys.executable, "-W", "ignore", "-c", line], check=True, cwd=tmp_path)
    assert list(torch.load(tmp_path / "weights.pth")) == ["weight", "bias"]


def test_a_placeholder_does_nothing_of_what_its_class_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: hg.Network
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "x.pth"
    touch = Attack(Path.touch, Path("hacked"))
    torch.save({"state_dict": model.state_dict(), "x": touch}, path)
    try:
        assert agree(load(path), model)
    except hg.FileError as refusal:
        assert "which no checkpoint needs" in str(refusal)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_any_changed_byte_among_the_weights_is_told(tmp_path: Path, suffix: str) -> None:
    model = hg.build_module(NAME)  # wide: nearly every byte is a weight's
    path = tmp_path / f"net{suffix}"
    hg.save(model, path)
    whole = bytearray(path.read_bytes())
    draw, other = random.Random(3), hg.build_module(NAME)
    for _ in range(40):
        damaged = bytearray(whole)
        damaged[draw.randrange(len(whole) // 4, len(whole) - 4096)] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(hg.FileError, match="damaged"):
            hg.load_weights(other, path)
    path.write_bytes(whole)
    hg.load_weights(other, path)
    assert agree(other.state_dict(), model)


def test_the_checksum_is_of_names_and_values() -> None:
    a, b = torch.arange(4.0), torch.ones(2, 2, dtype=torch.bfloat16)
    sums = {
        checksum(weights)
        for weights in (
            {"a": a, "b": b},
            {"a": b, "b": a},
            {"a": a, "c": b},
            {"a": a.flip(0), "b": b},
            {"a": a},
            {"a": a, "b": torch.ones(0)},
        )
    }
    assert len(sums) == 6
    assert checksum({"b": b, "a": a}) == checksum({"a": a, "b": b})


@pytest.mark.slow
def test_the_checksum_of_a_large_network_takes_no_time_that_is_noticed() -> None:
    weights = hg.build_module("hrnet_w48_cls").state_dict()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        checksum(weights)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.15
