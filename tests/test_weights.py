"""Checkpoints of every dialect load, convert and come back."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from commands import run
from dialects import HEADS, WHOLE, network, of_dialect
from published import DETECTION, MEASURED, keys_sha256, relative_error
from small import maps_of

import hrnet_graph as hg
from hrnet_graph.compiler.checkpoints.convert import convert
from hrnet_graph.compiler.model import about
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.compiler.weights.dialects import (
    BACKBONE,
    DIALECTS,
    Dialect,
    counterpart,
    recognise,
)
from hrnet_graph.ir.ops import State


def outputs(model: Network) -> list[torch.Tensor]:
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        return maps_of(model(image))


def same(ours: Network, theirs: Network) -> bool:
    pairs = zip(outputs(ours), outputs(theirs), strict=True)
    return all(relative_error(a, b) < 1e-5 for a, b in pairs)


def ids(dialect: Dialect) -> str:
    return f"{dialect.name} {dialect.head}"


@pytest.mark.parametrize("dialect", DIALECTS, ids=ids)
def test_dialects_round_trip_and_are_recognised(tmp_path: Path, dialect: Dialect) -> None:
    model = of_dialect(dialect)
    expect_recognised(dialect, [*model.state_dict()])
    there, back = tmp_path / "there.pth", tmp_path / "back.safetensors"
    torch.save(model.state_dict(), tmp_path / "official.pth")
    convert(tmp_path / "official.pth", dialect.name, there)
    stated = dialect.name if dialect.inplace_norm else None
    convert(there, "official", back, dialect=stated)

    loaded = deepcopy(model)
    torch.manual_seed(5)
    for value in loaded.parameters():
        torch.nn.init.normal_(value)
    report = hg.load_weights(loaded, there, dialect=stated)
    assert report.complete
    assert report.head == dialect.head
    assert {*report.loaded, *(key for key, _ in report.filled)} == set(loaded.state_dict())
    if dialect.backbone == "backbone." and dialect.head == "feature_pyramid":
        assert not any(ours.startswith("backbone.") for _, ours in report.renamed)
    assert same(loaded, model)

    from safetensors.torch import load_file

    expected, got = model.state_dict(), load_file(back)
    nowhere = {
        key for key in expected if key.endswith("num_batches_tracked") and dialect.lacks(key)
    }
    assert expected.keys() - nowhere == got.keys()
    changed = (
        nowhere
        | {bias for bias, _ in dialect.absent}
        | {f"{norm}running_mean" for _, norm in dialect.absent}
    )
    for key in expected.keys() - changed:
        torch.testing.assert_close(got[key], expected[key], rtol=1e-6, atol=1e-6)
    for bias, norm in dialect.absent:
        assert not got[bias].any()
        mean = expected[f"{norm}running_mean"] - expected[bias]
        torch.testing.assert_close(got[f"{norm}running_mean"], mean)


def expect_recognised(dialect: Dialect, ours: list[str]) -> None:
    """A dialect is known by its names of a network's keys, and gives them back."""
    official = counterpart(dialect, "official")
    published = [official.to_published(key) for key in ours]
    absent = {bias for bias, _ in dialect.absent}
    keys = [dialect.from_published(key) for key in published if key not in absent]
    keys = list(dict.fromkeys(_stacked(dialect, key) for key in keys))
    found = recognise(keys)
    if dialect.name in ("timm", "inplace-abn"):
        assert found.name == "official"
        found = recognise(keys, dialect.name)
    assert found == dialect
    apart = [part for key in keys for part in found.parts(key)]
    names = [found.to_published(key) for key in apart]
    kept = [key for key in published if key not in absent]
    assert names == kept if not found.stacked else sorted(names) == sorted(kept)


def _stacked(dialect: Dialect, key: str) -> str:
    """The key of the weight in which a dialect holds one."""
    for end, ends in dialect.stacked:
        for part in ends:
            if key.endswith(part):
                return key.removesuffix(part) + end
    return key


@pytest.mark.parametrize("name", DETECTION)
def test_mmdetection_keys_are_the_measured_ones(name: str) -> None:
    (dialect,) = (d for d in DIALECTS if d.name == "mmdetection")
    state = hg.build_graph(name).state()
    theirs: dict[str, State] = {
        dialect.from_published(key.removeprefix("backbone.")): entry for key, entry in state.items()
    }
    measured = MEASURED[f"mmdet3_v2p_w{name.rpartition('w')[2]}_backbone+hrfpn"]
    assert keys_sha256(theirs) == measured["keys_sha256"]


WRAPPINGS: dict[str, Any] = {
    "plain": lambda state: state,
    "state_dict": lambda state: {"epoch": 3, "state_dict": state, "optimizer": {"lr": 0.1}},
    "module.": lambda state: {f"module.{key}": value for key, value in state.items()},
    "best": lambda state: {
        "state_dict": {f"module.{key}": value * 0 for key, value in state.items()},
        "best_state_dict": state,
        "perf": 0.7,
    },
    "trained with a loss": lambda state: {
        **{f"model.{key}": value for key, value in state.items()},
        "loss.criterion.weight": torch.ones(19),
    },
    "parallel, with a loss": lambda state: {
        "state_dict": {
            **{f"module.model.{key}": value for key, value in state.items()},
            "module.loss.criterion.weight": torch.ones(19),
        }
    },
    "old torch": lambda state: {
        key: value for key, value in state.items() if not key.endswith("num_batches_tracked")
    },
    "OpenMMLab": lambda state: {"meta": {"epoch": 1}, "state_dict": state},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("suffix", [".pth", ".pth.tar"])
def test_wrappings_are_unwrapped(tmp_path: Path, wrapping: str, suffix: str) -> None:
    model = network("segmentation")
    path = tmp_path / f"net{suffix}"
    torch.save(WRAPPINGS[wrapping](model.state_dict()), path)
    loaded = hg.build_module(hg.load_spec(WHOLE, {"head": HEADS["segmentation"]})).eval()
    report = hg.load_weights(loaded, path)
    assert report.complete
    assert same(loaded, model)
    counters = [key for key in model.state_dict() if key.endswith("num_batches_tracked")]
    assert len(report.filled) == (len(counters) if wrapping == "old torch" else 0)


def test_inplace_abn_scales_are_what_they_were_trained_as(tmp_path: Path) -> None:
    model = network("segmentation")
    state = model.state_dict()
    trained = {
        key: -(value - 1e-5) if key.endswith("weight") and value.dim() == 1 else value
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")
    }
    torch.save(trained, tmp_path / "net.pth")
    wrong, right = network("segmentation"), network("segmentation")
    assert hg.load_weights(wrong, tmp_path / "net.pth").dialect == "official"
    assert hg.load_weights(right, tmp_path / "net.pth", dialect="inplace-abn").complete
    assert same(right, model)
    assert not same(wrong, model)


def test_inplace_abn_cannot_say_every_scale(tmp_path: Path) -> None:
    model = network("segmentation")
    with torch.no_grad():
        model.bn1.weight[0] = 0
    torch.save(model.state_dict(), tmp_path / "net.pth")
    with pytest.raises(hg.FileError, match=r"bn1\.weight has scales below 1e-5"):
        convert(tmp_path / "net.pth", "inplace-abn", tmp_path / "out.pth")
    assert not (tmp_path / "out.pth").exists()


def test_partial_takes_what_fits_and_says_what_not(tmp_path: Path) -> None:
    torch.save(network("classification").state_dict(), tmp_path / "cls.pth")
    pose = network("heatmap")
    with pytest.raises(hg.FileError, match=r"does not fit small, .*\n.*classification") as caught:
        hg.load_weights(pose, tmp_path / "cls.pth")
    assert "--partial" in str(caught.value)
    report = hg.load_weights(pose, tmp_path / "cls.pth", partial=True)
    assert set(report.missing) == {"final_layer.weight", "final_layer.bias"}
    assert "final_layer.0.weight" in report.unexpected
    assert not report.reshaped
    assert not report.complete
    assert "stage3.1.fuse_layers.0.1.0.weight" in report.loaded


def test_partial_after_an_edited_width_names_shapes(tmp_path: Path) -> None:
    torch.save(network("classification").state_dict(), tmp_path / "cls.pth")
    wider = network("classification", width=5)
    before = wider.state_dict()["stage2.0.branches.0.0.conv1.weight"].clone()
    report = hg.load_weights(wider, tmp_path / "cls.pth", partial=True)
    key = "stage2.0.branches.0.0.conv1.weight"
    assert (key, (5, 5, 3, 3), (4, 4, 3, 3)) in report.reshaped
    assert torch.equal(wider.state_dict()[key], before)
    assert "conv1.weight" in report.loaded
    first, ours, theirs = report.reshaped[0]
    assert f"{len(report.reshaped):5} reshaped   {first}: expected {ours}, got {theirs}" in str(
        report
    )


@pytest.mark.parametrize(
    ("source", "target", "key"),
    [
        ("segmentation", "ocr", "aux_head.3.weight"),
        ("segmentation", "landmark", "head.3.weight"),
        ("heatmap", "bottom_up", "conv2.weight"),
    ],
)
def test_heads_that_share_layers_start_one_another(
    tmp_path: Path, source: str, target: str, key: str
) -> None:
    torch.save(network(source).state_dict(), tmp_path / "net.pth")
    report = hg.load_weights(network(target), tmp_path / "net.pth", partial=True)
    assert key in report.loaded


def test_timm_weights_become_mmpose_weights(tmp_path: Path) -> None:
    theirs = timm.create_model("hrnet_w18_small", features_only=True, feature_location="")
    path = tmp_path / "timm.pth"
    torch.save(theirs.state_dict(), path)
    ours = hg.build_module("hrnet_w18_small_v1_cls", features_only=True)
    assert hg.load_weights(ours, path).complete
    convert(path, "openmmlab", tmp_path / "mm.pth")
    state = torch.load(tmp_path / "mm.pth")["state_dict"]
    assert all(key.startswith("backbone.") for key in state)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"a.weight": torch.zeros(1)},
            "expected the keys of a high-resolution network, got 'a.weight'",
        ),
        ({"state_dict": {}}, "expected named weights, got none"),
        ([torch.zeros(1)], "expected named weights, got list"),
        ({"a" * 5000: torch.zeros(1)}, "expected the keys of a high-resolution network, got 'aaaa"),
        (
            {"b\nad": torch.zeros(1)},
            "expected the keys of a high-resolution network, got 'b\\\\nad'",
        ),
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "net.pth")
    with pytest.raises(hg.FileError, match=message) as caught:
        hg.load_weights(network("heatmap"), tmp_path / "net.pth")
    assert len(str(caught.value)) < 1000


def test_dialects_are_checked_by_name(tmp_path: Path) -> None:
    torch.save(network("heatmap").state_dict(), tmp_path / "net.pth")
    with pytest.raises(hg.FileError, match="no dialect 'mmdetection' for HRNet with a heatmap"):
        convert(tmp_path / "net.pth", "mmdetection", tmp_path / "out.pth")
    with pytest.raises(hg.FileError, match="unknown dialect 'mmpos'; did you mean 'mmpose'"):
        hg.load_weights(network("heatmap"), tmp_path / "net.pth", dialect="mmpos")
    with pytest.raises(hg.FileError, match="in the dialect mmpose, got"):
        hg.load_weights(network("heatmap"), tmp_path / "net.pth", dialect="mmpose")


def test_backbone_prefixes_cover_the_backbone() -> None:
    graph = hg.build_graph("hrnetv2_w18")
    assert all(key.startswith(BACKBONE) for key in graph.state())


def test_commands(tmp_path: Path) -> None:
    spec = tmp_path / "small.yaml"
    spec.write_text(about(network("heatmap").graph)["spec"])
    torch.save(network("heatmap").state_dict(), tmp_path / "pose.pth")
    result = run(
        "weights", "convert", tmp_path / "pose.pth", "--to", "mmpose", "-o", tmp_path / "m.pth"
    )
    assert result.returncode == 0, result.stderr
    built = run("build", spec, "--weights", tmp_path / "m.pth", "-o", tmp_path / "a.pt", "--json")
    report = json.loads(built.stdout)["weights"]
    assert (report["dialect"], report["head"], report["complete"]) == ("mmpose", "heatmap", True)
    assert "mmpose heatmap, inside state_dict" in built.stderr
    loaded = hg.load(tmp_path / "a.pt").eval()
    assert same(loaded, network("heatmap"))
    missing = run(
        "weights", "convert", tmp_path / "no.pth", "--to", "mmpose", "-o", tmp_path / "b.pth"
    )
    assert missing.returncode == 2
    assert missing.stderr.startswith("error: no weights file at")
