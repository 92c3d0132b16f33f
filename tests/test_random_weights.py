"""Weights that nobody has trained or loaded are said to be random, wherever they go."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from click.testing import CliRunner
from small import SMALL
from torch import nn

import hrnet_graph as hg
from hrnet_graph.cli.main import cli
from hrnet_graph.compiler.random_weights import RandomWeights, random_in, read_random
from hrnet_graph.compiler.torch.unwrap import random_weights
from hrnet_graph.spec.emit import to_yaml

PHOTO = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
SUFFIXES = (".pt", ".safetensors", ".pt2", ".onnx")


@pytest.fixture(autouse=True)
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The small spec's file, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(to_yaml(hg.load_spec(SMALL).dump()))
    return "small.yaml"


def network(seed: int = 0) -> hg.Network:
    torch.manual_seed(seed)
    return hg.build_module(SMALL)


def trained() -> hg.Network:
    model = network()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.randn(4, 3, 64, 64)).square().sum().backward()
    optimiser.step()
    return model


def said_in(path: str) -> str:
    if path.endswith(".onnx"):
        model = onnx.load(path)
        return next((str(e.value) for e in model.metadata_props if e.key == "weights"), "")
    random = random_in(path)
    return "" if random is None else str(random)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_file_says_so_and_says_so_again_when_it_is_read(spec: str, suffix: str) -> None:
    net = f"net{suffix}"
    result = CliRunner().invoke(cli, ["build", spec, "-o", net, "--seed", "7", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["weights"] == "random (seed 7)"
    assert result.stderr == "weights: random (seed 7)\n"
    assert said_in(net) == "random (seed 7)"
    assert str(hg.load(net, target=None if suffix != ".onnx" else "onnxruntime")) != ""
    if suffix == ".onnx":
        assert hg.load(net).random == RandomWeights(seed=7)
        return
    for again in SUFFIXES:
        hg.save(hg.load(net), f"again{again}")
        assert said_in(f"again{again}") == "random (seed 7)"
    result = CliRunner().invoke(cli, ["predict", net, str(PHOTO), "--json"])
    assert json.loads(result.stdout)["random"] == "random (seed 7)"
    assert "weights: random (seed 7)" in result.stderr
    assert hg.compile(net, "torch").random == RandomWeights(seed=7)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_trained_weights_are_none(suffix: str) -> None:
    hg.save(trained(), f"net{suffix}")
    assert said_in(f"net{suffix}") == ""


CHANGES: dict[str, Callable[[Any], Any]] = {
    "copied": copy.deepcopy,
    "pickled": lambda model: pickle.loads(pickle.dumps(model)),
    "halved": lambda model: model.half(),
    "doubled": lambda model: model.double(),
    "channels last": lambda model: model.to(memory_format=torch.channels_last),
    "run": lambda model: [model, model(torch.randn(2, 3, 64, 64))][0],
    "compiled": torch.compile,
    "parallel": nn.DataParallel,
    "optimized": lambda model: hg.build_module(model.graph, optimize="inference"),
}


@pytest.mark.parametrize("how", CHANGES)
def test_what_does_not_train_leaves_them_random(how: str) -> None:
    random = random_weights(CHANGES[how](network(3)))
    assert random is not None
    assert random.keys == ()


def test_a_seed_is_told_where_it_gives_these_weights_again() -> None:
    assert random_weights(network(9)) == RandomWeights(seed=9)
    torch.manual_seed(9)
    torch.randn(1)
    assert random_weights(hg.build_module(SMALL)) == RandomWeights()
    first, again = network(11), network(11)
    assert torch.equal(first.conv1.weight, again.conv1.weight)


def test_a_part_that_stays_random_is_named(spec: str) -> None:
    hg.save(trained(), "net.pt")
    other = ["--set", "head.classes=7", "--partial", "--seed", "2"]
    result = CliRunner().invoke(cli, ["build", "net.pt", *other, "-o", "part.pt", "--json"])
    assert result.exit_code == 0, result.output
    expected = "random (seed 2): classifier.weight"
    assert json.loads(result.stdout)["weights"]["random"] == expected
    assert "weights: 1 random (seed 2): classifier.weight" in result.stderr
    assert said_in("part.pt") == expected
    found = hg.predict("part.pt", PHOTO)
    assert found.random == RandomWeights(("classifier.weight",), 2)
    report = hg.load_weights(hg.build_module("part.pt"), "part.pt")
    assert report.random == found.random
    model = hg.load("part.pt")
    with torch.no_grad():
        model.classifier.weight.add_(1)
    assert random_weights(model) is None


def test_a_frozen_part_stays_random() -> None:
    model = network(4)
    model.requires_grad_(False)
    model.classifier.requires_grad_(True)
    model(torch.randn(2, 3, 64, 64)).square().sum().backward()
    torch.optim.SGD([*model.classifier.parameters()], lr=0.1).step()
    random = random_weights(model)
    assert random is not None
    assert "conv1.weight" in random.keys
    assert "classifier.weight" not in random.keys


def test_a_converted_checkpoint_says_so_too() -> None:
    torch.manual_seed(5)
    hg.save(hg.build_module("hrnet_w18_small_v1_cls"), "net.pt")
    for suffix in ("pth", "safetensors"):
        words = ["weights", "convert", "net.pt", "--to", "timm", "-o", f"timm.{suffix}"]
        assert CliRunner().invoke(cli, words).exit_code == 0
        model = hg.build_module("hrnet_w18_small_v1_cls", weights=f"timm.{suffix}")
        assert random_weights(model) == RandomWeights(seed=5)


def test_a_model_of_arrays_keeps_what_is_known() -> None:
    engine = hg.compile(network(6), "onnxruntime")
    assert engine.random == RandomWeights(seed=6)
    assert "random" in repr(engine)
    assert hg.compile(trained(), "onnxruntime").random is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("random", RandomWeights()),
        ("random (seed 5)", RandomWeights(seed=5)),
        ("random: a b", RandomWeights(("a", "b"))),
        ("random (seed 5): a", RandomWeights(("a",), 5)),
        ("randomly", None),
        ("random (seed x)", None),
        (None, None),
        (17, None),
    ],
)
def test_what_files_say_is_read_as_it_is_written(text: object, read: RandomWeights | None) -> None:
    assert read_random(text) == read
    assert read is None or str(read) == text
