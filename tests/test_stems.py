"""Stems of every stride, and the maps that a network hands out besides its last ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from onnx_models import assert_same, filled, made
from small import SMALL, with_head
from written import check

import hrnet_graph as hg
from hrnet_graph.errors import Problem
from hrnet_graph.ir.builder import Builder
from hrnet_graph.ir.ops import Activation, BatchNorm

BILINEAR = {"fuse.upsample": "bilinear"}


def refusal(changes: dict[str, Any]) -> Problem:
    with pytest.raises(hg.SpecError) as caught:
        hg.build_graph(hg.load_spec(SMALL, changes))
    (problem,) = caught.value.problems
    return problem


def test_a_head_hands_out_maps_from_before_the_last_stage() -> None:
    model = with_head({"kind": "features", "earlier": ["stride2", "stage2.1"]}, input=[3, 61, 93])
    seen: dict[str, torch.Tensor] = {}
    names = model.feature_info.module_name()
    for name in names:
        model.get_submodule(name).register_forward_hook(
            lambda _, __, result, name=name: seen.setdefault(name, result)
        )
    with torch.no_grad():
        maps = model.eval()(torch.randn(1, 3, 61, 93))
    assert names[:2] == ["act1", "stage2.0.fuse_layers.1"]
    assert all(torch.equal(seen[name], x) for name, x in zip(names, maps, strict=True))
    assert model.feature_info.reduction() == [2, 8, 4, 8, 16]
    assert model.feature_info.channels() == [x.shape[1] for x in maps] == [8, 8, 4, 8, 16]
    assert model.feature_info.out_indices == (0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["stride_2"], "no earlier map is called 'stride_2'; did you mean 'stride2'? (known: stri"),
        (["stride2", "stride2"], "'stride2' is given already"),
        (["stage3.0"], "'stage3.0' is given already"),
    ],
)
def test_a_map_that_there_is_not_is_told_with_those_that_there_are(
    names: list[str], told: str
) -> None:
    problem = refusal({"head": {"kind": "features", "earlier": names}})
    assert problem.message.startswith(told)
    assert problem.key == f"head.earlier.{len(names) - 1}"


def test_a_name_is_given_once() -> None:
    b = Builder(BatchNorm(), Activation("relu"))
    x = b.input((3, 8, 8))
    assert b.remember("x", x) == b.recall("x") == x
    with pytest.raises(hg.HRNetGraphError, match="two results are remembered as 'x'"):
        b.remember("x", x)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([3, 64], "got [3, 64]; 1-D networks, of signals, are not in this language"),
        ([1, 64, 64, 64], "got [1, 64, 64, 64]; 3-D networks, of volumes, are not in this lan"),
        ([64], "got [64]"),
    ],
)
def test_networks_of_signals_and_volumes_are_refused_by_name(given: list[int], told: str) -> None:
    problem = refusal({"input": given})
    assert problem.key == "input"
    assert problem.message.startswith(f"expected [channels, height, width], {told}")


@pytest.mark.parametrize("channels", [1, 2, 6, 12])
def test_an_image_has_any_number_of_channels(channels: int, tmp_path: Path) -> None:
    row = [0.5] * channels
    changes = {"input.0": channels, "preprocess": {"mean": row, "std": row}}
    spec = hg.load_spec(SMALL, changes)
    check(spec, [(64, 64)])
    model = filled(spec)
    assert_same(model, made(model), (1, 64, 64))
    picture = np.zeros((64, 64, 3), np.uint8)
    if channels in (1, 3, 4):
        hg.predict(model, picture)
    else:
        with pytest.raises(hg.HRNetGraphError, match="expected an input of 1, 3 or 4 channels, go"):
            hg.predict(model, picture)
    hg.save(hg.build_module(SMALL), tmp_path / "rgb.pt")
    with pytest.raises(hg.HRNetGraphError, match=rf"conv1.weight: expected \(8, {channels}, 3, 3"):
        hg.load_weights(model, tmp_path / "rgb.pt")
    report = hg.load_weights(model, tmp_path / "rgb.pt", partial=True)
    assert [key for key, _, _ in report.reshaped] == ["conv1.weight"]


@pytest.mark.parametrize("key", ["mean", "std"])
def test_preprocessing_has_one_number_for_every_channel(key: str) -> None:
    problem = refusal({"input.0": 6, f"preprocess.{key}": [0.5, 0.5]})
    assert problem.key == f"preprocess.{key}"
    assert problem.message == "expected 6 numbers, one a channel of `input`, got 2"


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
@pytest.mark.parametrize("kind", ["conv", "shuffle"])
def test_a_stem_has_the_stride_that_it_states(kind: str, stride: int) -> None:
    if (kind, stride) == ("shuffle", 8):
        assert refusal({"stem": {"kind": kind, "stride": 8}}).message == "expected 1, 2 or 4, got 8"
        return
    stem = {"kind": kind, "channels": 8, "stride": stride}
    model = with_head({"kind": "features"}, stem=stem, input=[3, 61, 93], **BILINEAR).eval()
    assert model.feature_info.reduction() == [stride, 2 * stride, 4 * stride]
    with torch.no_grad():
        sizes = [tuple(x.shape[2:]) for x in model(torch.zeros(1, 3, 61, 93))]
    assert sizes == [(-(-61 // n), -(-93 // n)) for n in model.feature_info.reduction()]
    usual = hg.build_module(hg.load_spec(SMALL, {"stem": {**stem, "stride": 4}}))
    if stride < 8:  # the same weights, whatever the stride
        assert [*model.state_dict()][:20] == [*usual.state_dict()][:20]


@pytest.mark.parametrize(
    ("stem", "names"),
    [
        ({}, ["stride2"]),
        ({"stride": 1}, []),
        ({"stride": 2}, ["stride2"]),
        ({"stride": 8}, ["stride2", "stride4"]),
        ({"kind": "shuffle"}, ["stride2"]),
        ({"kind": "shuffle", "stride": 2}, ["stride2"]),
    ],
)
def test_every_halving_of_a_stem_can_be_handed_out(stem: dict[str, Any], names: list[str]) -> None:
    changes: dict[str, Any] = {"stem": {"channels": 8, **stem}, **BILINEAR}
    head = {"kind": "features", "earlier": names} if names else {"kind": "features"}
    model = with_head(head, **changes)
    assert [f"stride{n}" for n in model.feature_info.reduction()][: len(names)] == names
    assert [x.shape[2] for x in model(torch.zeros(2, 3, 64, 64))] == [
        64 // n for n in model.feature_info.reduction()
    ]


def test_a_stem_has_one_width_for_all_of_its_convolutions_or_one_for_each() -> None:
    def shapes(**stem: Any) -> list[tuple[int, ...]]:
        state = hg.build_graph(hg.load_spec(SMALL, {"stem": stem})).state()
        return [e.shape for key, e in state.items() if key.startswith("conv")]

    assert shapes(channels=[4, 6]) == [(4, 3, 3, 3), (6, 4, 3, 3)]
    assert shapes(channels=[4, 6], bias=True)[1] == (4,)
    assert shapes(channels=[4, 6, 8])[2] == (8, 6, 3, 3)
    assert len(shapes(channels=4, stride=8)) == 3
    assert shapes(channels=[5], stride=2) == [(5, 3, 3, 3)]
    assert shapes(channels=4, stride=1) == shapes(channels=4, stride=2) == shapes(channels=4)


@pytest.mark.parametrize(
    ("stem", "key", "told"),
    [
        ({"channels": [4]}, "stem.channels", "`stride: 4` takes 2 convolutions that halve"),
        ({"channels": []}, "stem.channels", "expected at least 1 in the list, got []"),
        ({"channels": [4, 0]}, "stem.channels.1", "expected at least 1, got 0"),
        ({"channels": "wide"}, "stem.channels", "expected an integer or a list of them, got 'wid"),
        ({"stride": True}, "stem.stride", "expected an integer, got true"),
        ({"stride": 2.0}, "stem.stride", "expected an integer, got 2.0"),
        ({"stride": 16}, "stem.stride", "expected 1, 2, 4 or 8, got 16"),
    ],
)
def test_a_stem_that_cannot_be_is_told_in_a_sentence(
    stem: dict[str, Any], key: str, told: str
) -> None:
    problem = refusal({"stem": stem})
    assert problem.key == key
    assert problem.message.startswith(told)


def test_ddrnets_stem_has_its_published_keys() -> None:
    keys = {"conv1": "conv1.0", "bn1": "conv1.1", "conv2": "conv1.3", "bn2": "conv1.4"}
    graph = hg.build_graph(hg.load_spec(SMALL, {"stem.bias": True, "keys": keys}))
    stem = [key for key in graph.state() if "num_batches" not in key and "running" not in key][:8]
    layers = [f"conv1.{i}.{name}" for i in (0, 1, 3, 4) for name in ("weight", "bias")]
    assert stem == layers
