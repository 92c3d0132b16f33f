"""A network says what its feature maps are, and gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from commands import run
from small import HEADS, maps_of, with_head

import hrnet_graph as hg
from hrnet_graph.analysis.features import FeatureInfo

X = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def described(maps: list[torch.Tensor], size: int = 64) -> tuple[list[int], list[int]]:
    return [x.shape[1] for x in maps], [size // x.shape[2] for x in maps]


def spec_of(model: hg.Network) -> hg.Spec:
    assert isinstance(model.graph.spec, hg.Spec)
    return model.graph.spec


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head["kind"])
def test_feature_info_says_what_comes_out(head: dict[str, Any]) -> None:
    model = with_head(head).eval()
    info = model.feature_info
    seen: dict[str, torch.Tensor] = {}
    for name in info.module_name():
        model.get_submodule(name).register_forward_hook(
            lambda _, __, result, name=name: seen.setdefault(name, maps_of(result)[0])
        )
    with torch.no_grad():
        maps = model.forward_features(X)
    assert (info.channels(), info.reduction()) == described(maps)
    assert len(info) == len(maps) == len({*info.module_name()})
    assert info.out_indices == tuple(range(len(maps)))
    for name, fmap in zip(info.module_name(), maps, strict=True):
        assert torch.equal(seen[name], fmap), name


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head["kind"])
def test_the_head_reads_what_forward_features_gives(head: dict[str, Any]) -> None:
    model = with_head(head).eval()
    with torch.no_grad():
        maps = model.forward_features(X)
        if head["kind"] in ("features", "feature_pyramid"):
            expected = model(X)
        else:
            alone = hg.build_module(spec_of(model), features_only=True).eval()
            state = model.state_dict()
            alone.load_state_dict({key: state[key] for key in alone.state_dict()})
            expected = alone(X)
    assert len(maps) == len(expected)
    assert all(torch.equal(a, b) for a, b in zip(maps, expected, strict=True))


def test_the_head_does_not_run() -> None:
    model = with_head(HEADS[0])
    model.classifier = torch.nn.Identity()
    model.classifier.register_forward_hook(lambda *_: pytest.fail("the classifier ran"))
    assert len(model.forward_features(X)) == 3
    with pytest.raises(hg.InputError, match="takes images of shape N x 3 x H x W, got 1x3x8"):
        model.forward_features(torch.zeros(1, 3, 8))


def test_the_maps_are_timms_and_are_told_as_timm_tells_them() -> None:
    ours = hg.build_module("hrnet_w18_small_v2_cls", features_only=True).feature_info
    theirs: Any = timm.create_model(
        "hrnet_w18_small_v2", features_only=True, feature_location="", out_indices=(1, 2, 3, 4)
    )
    theirs = theirs.feature_info
    assert (ours.channels(), ours.reduction()) == (theirs.channels(), theirs.reduction())
    assert set(ours[0]) <= set(theirs[0])
    assert ours.get_dicts()[2] == ours[2]
    wide = hg.build_module(
        hg.load_spec("hrnet_w18_small_v2_cls", {"head": {"kind": "features", "pyramid": True}}),
        device="meta",
    ).feature_info
    assert wide.channels() == [128, 256, 512, 1024]
    assert wide.module_name()[3] == "incre_modules.3"


@pytest.mark.parametrize("chosen", [(0, 2), (1,), (2,), (0, 1, 2)])
def test_out_indices_chooses_maps(chosen: tuple[int, ...], tmp_path: Path) -> None:
    whole = with_head({"kind": "features"}).eval()
    model = hg.build_module(spec_of(whole), features_only=True, out_indices=chosen).eval()
    model.load_state_dict(whole.state_dict())
    expected = [whole(X)[i] for i in chosen]
    assert model.feature_info.out_indices == chosen
    assert model.feature_info.channels() == [fmap.shape[1] for fmap in expected]
    hg.save(model, tmp_path / "net.pt")
    for network in (model, hg.load(tmp_path / "net.pt").eval()):
        for got in (network(X), network.forward_features(X)):
            assert len(got) == len(chosen)
            assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))
    hg.save(model, tmp_path / "net.onnx")
    engine = hg.load(tmp_path / "net.onnx", target="onnxruntime")
    for a, b in zip(engine(X), expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)
    hg.save(model, tmp_path / "net.py")
    names: dict[str, Any] = {"__name__": "net"}
    exec((tmp_path / "net.py").read_text(), names)
    written = names["HRNet"]().eval()
    written.load_state_dict(model.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(written(X), expected, strict=True))


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ((0, 3), r"head.out_indices: expected rising indices from 0 to 2, got \[0, 3\]"),
        ((2, 0), r"head.out_indices: expected rising indices from 0 to 2, got \[2, 0\]"),
        ((1, 1), r"head.out_indices: expected rising indices from 0 to 2, got \[1, 1\]"),
        ((-1,), r"head.out_indices.0: expected at least 0, got -1"),
        ((), "head.out_indices: expected at least 1"),
    ],
)
def test_a_map_that_is_not_there_is_refused(chosen: tuple[int, ...], message: str) -> None:
    spec = spec_of(with_head({"kind": "features"}))
    with pytest.raises(hg.SpecError, match=message):
        hg.build_module(spec, features_only=True, out_indices=chosen)
    with pytest.raises(hg.HRNetGraphError, match="chooses among the maps of features_only=True"):
        hg.build_module(spec, out_indices=chosen)


@pytest.mark.parametrize(
    ("chosen", "remedy"),
    [("[0, 2]", "set stages.3.outputs: 3"), ("[0]", "set stages.3.outputs: 1"), ("[3]", "leave")],
)
def test_what_is_computed_for_nothing_is_said(chosen: str, remedy: str, tmp_path: Path) -> None:
    head = f"head: {{kind: features, out_indices: {chosen}}}"
    (tmp_path / "mine.yaml").write_text(f"extends: hrnet_w18_small_v1_cls\n{head}\n")
    said = run("validate", "mine.yaml", cwd=tmp_path)
    assert "reaches no output" in said.stderr
    assert remedy in said.stderr


def test_an_optimized_network_gives_its_own_maps_alone() -> None:
    name = "hrnet_w18_small_v1_cls"
    with pytest.raises(hg.HRNetGraphError, match="is optimized for inference, and gives what its"):
        hg.build_module(name, optimize="inference").forward_features(X)
    fast = hg.build_module(name, features_only=True, optimize="inference")
    maps = fast.forward_features(X)
    assert (fast.feature_info.channels(), fast.feature_info.reduction()) == described(maps)


def test_the_features_compile_and_are_traced() -> None:
    model = with_head(HEADS[0]).eval()
    compiled = torch.compile(model.forward_features, fullgraph=True, backend="eager")
    with torch.no_grad():
        for a, b in zip(compiled(X), model.forward_features(X), strict=True):
            torch.testing.assert_close(a, b)


@pytest.mark.slow
@pytest.mark.parametrize("name", hg.list_specs())
def test_every_network_of_the_catalogue(name: str) -> None:
    model = hg.build_module(name, device="meta").eval()
    info = model.feature_info
    assert isinstance(info, FeatureInfo)
    maps = model.forward_features(torch.empty(1, 3, 256, 256, device="meta"))
    assert (info.channels(), info.reduction()) == described(maps, size=256)
