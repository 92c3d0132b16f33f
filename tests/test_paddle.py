"""PaddleClas's networks and files: names, values both ways, and pickles that want to do harm."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from published import relative_error

import hrnet_graph as hg
from hrnet_graph.compiler.checkpoints.convert import convert
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.compiler.weights.paddle import published_names
from hrnet_graph.spec.importers.read import import_config

NARROW: dict[str, Any] = {"width": 4, "head.classes": 5, "input": [3, 64, 64]}


def narrow(name: str, **changes: Any) -> Network:
    """A network of Paddle's topology with few channels, none of its weights zero or one."""
    torch.manual_seed(0)
    wide = {"width": 16} if name.startswith("se_") else {}  # which is squeezed 16 times
    model = hg.build_module(hg.load_spec(name, {**NARROW, **wide, **changes})).eval()
    for key, value in model.state_dict().items():
        if value.dim() == 1:
            value.uniform_(0.5, 1.5) if key.endswith("var") else value.normal_()
    return model


def equal(ours: Network, theirs: Network) -> bool:
    """Whether all weights are the same to the bit."""
    pairs = zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def same(ours: Network, theirs: Network) -> bool:
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        return relative_error(ours(image), theirs(image)) < 1e-5


def test_se_hrnet_w64_has_the_parameters_of_the_facts_and_every_name_of_paddle_s() -> None:
    graph = hg.build_graph("se_hrnet_w64_cls")
    assert hg.analyze(graph).params == 128_991_264 == 128_056_104 + 935_160
    kept = {key for key in graph.state() if not key.endswith("num_batches_tracked")}
    published = set(published_names().values())
    assert kept <= published
    spare = {key for key in published - kept if "downsample" not in key}
    assert not spare  # of projections the table has one a block, though few blocks have one


@pytest.mark.parametrize(
    ("published", "theirs"),
    [
        ("conv1.weight", "conv_layer1_1.conv.weight"),
        ("layer1.0.downsample.1.running_var", "layer1.0.conv_down.bn._variance"),
        ("layer1.3.se.fc1.bias", "layer1.3.se.fc_squeeze.bias"),
        ("transition1.0.0.weight", "conv_tr1_1.conv.weight"),
        ("transition1.1.0.1.bias", "conv_tr1_2.bn.bias"),
        ("transition3.3.0.0.weight", "conv_tr3.conv.weight"),
        ("stage2.0.fuse_layers.1.0.0.0.weight", "st2.stage_func_list.0.fuse_func.residual_func_list.1.conv.weight"),
        ("stage3.3.fuse_layers.2.0.1.0.weight", "st3.stage_func_list.3.fuse_func.residual_func_list.5.conv.weight"),
        ("stage4.2.fuse_layers.2.1.0.0.weight", "st4.stage_func_list.2.fuse_func.residual_func_list.8.conv.weight"),
        ("stage4.2.fuse_layers.2.3.1.weight", "st4.stage_func_list.2.fuse_func.residual_func_list.9.bn.weight"),
        ("stage4.0.fuse_layers.3.0.2.0.weight", "st4.stage_func_list.0.fuse_func.residual_func_list.12.conv.weight"),
        ("stage4.0.fuse_layers.3.2.0.1.running_mean", "st4.stage_func_list.0.fuse_func.residual_func_list.15.bn._mean"),
        ("incre_modules.2.0.conv3.weight", "last_cls.func_list.2.conv3.conv.weight"),
        ("downsamp_modules.1.0.weight", "cls_head_conv_list.1.conv.weight"),
        ("final_layer.1.weight", "conv_last.bn.weight"),
        ("classifier.weight", "fc.weight"),
    ],
)  # fmt: skip
def test_names_are_those_of_the_facts(published: str, theirs: str) -> None:
    assert published_names()[theirs] == published


@pytest.mark.parametrize(
    ("name", "suffix"), [("se_hrnet_w64_cls", ".pdparams"), ("hrnet_w18_ssld_cls", ".safetensors")]
)
def test_weights_go_both_ways(tmp_path: Path, name: str, suffix: str) -> None:
    model = narrow(name)
    ours, there, back = tmp_path / "o.pt", tmp_path / f"there{suffix}", tmp_path / "back.pth"
    hg.save(model, ours)
    convert(ours, "paddle", there)
    loaded = narrow(name)
    assert hg.load_weights(loaded, there).dialect == "paddle"
    assert equal(loaded, model)
    if name.startswith("se_"):
        with pytest.raises(hg.FileError, match=r"timm cannot hold this network: .*\.se\.fc"):
            convert(there, "timm", back)
        return
    convert(there, "timm", back)
    state, expected = torch.load(back)["state_dict"], model.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in state.items())
    assert state.keys() == {k for k in expected if not k.endswith("num_batches_tracked")}


def test_linear_layers_are_turned_round_and_biases_of_the_head_folded(tmp_path: Path) -> None:
    model = narrow("hrnet_w18_cls")
    hg.save(model, tmp_path / "o.pt")
    convert(tmp_path / "o.pt", "paddle", tmp_path / "p.pdparams")
    with (tmp_path / "p.pdparams").open("rb") as file:
        arrays = pickle.load(file)
    assert "random" in arrays.pop("weights")
    assert all(isinstance(value, np.ndarray) for value in arrays.values())
    assert arrays["fc.weight"].shape == (2048, 5)
    assert "conv_last.conv.bias" not in arrays
    for changes in ({}, {"head.bias": False}):
        loaded = narrow("hrnet_w18_cls", **changes)
        report = hg.load_weights(loaded, tmp_path / "p.pdparams")
        assert bool([key for key, _ in report.filled if key.endswith("bias")]) == (not changes)
        assert same(loaded, model)


@pytest.mark.parametrize(
    "protocol",
    [
        pytest.param(n, marks=() if n in (2, 4) else pytest.mark.slow)  # those that Paddle writes
        for n in range(pickle.HIGHEST_PROTOCOL + 1)
    ],
)
def test_every_protocol_is_read_and_either_order_of_an_array(tmp_path: Path, protocol: int) -> None:
    model = narrow("se_hrnet_w64_cls")
    hg.save(model, tmp_path / "o.pt")
    convert(tmp_path / "o.pt", "paddle", tmp_path / "p.pdparams")
    with (tmp_path / "p.pdparams").open("rb") as file:
        arrays = pickle.load(file)
    assert "random" in arrays.pop("weights")
    turned = {key: np.asfortranarray(value) for key, value in arrays.items()}
    content = {**turned, "StructuredToParameterName@@": {"conv_layer1_1.conv.weight": "conv2d_0"}}
    (tmp_path / "q.pdparams").write_bytes(pickle.dumps(content, protocol=protocol))
    loaded = narrow("se_hrnet_w64_cls")
    report = hg.load_weights(loaded, tmp_path / "q.pdparams")
    assert report.ignored == (("StructuredToParameterName@@", "is no weight"),)
    assert equal(loaded, model)


class Harmful:
    def __reduce__(self) -> Any:
        return os.mkdir, ("harmed",)


HUGE = (
    b"\x80\x04}\x8c\x01acnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R("
    b"K\x01J\xff\xff\xff\x7f\x85cnumpy\ndtype\n\x8c\x02f4\x89\x88\x87R\x89C\x00tbs."
)
"""An array that says to hold 2^31 numbers and holds none."""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({"a": Harmful()}), "it names posix.mkdir"),
        (pickle.dumps({"a": np.array(["x"], object)}), "an array in it is none of plain numbers"),
        (pickle.dumps({"a": np.zeros(3, ">f4")}), "an array in it is none of plain numbers"),
        (HUGE, "an array in it is none of plain numbers"),
        (b"\x80\x04cnumpy\nndarray\n)\x81(I1\nI2\ntb.", "is damaged or no weights file"),
        (pickle.dumps([1]), "expected named weights, got list"),
        (b"", "is empty; expected a file of weights"),
        (
            pickle.dumps({"backbone.conv_layer1_1._conv.weight": np.zeros(3, np.float32)}),
            "these are keys of PaddleSeg, whose strided convolutions pad behind the image alone",
        ),
    ],
)
def test_no_file_does_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w.pdparams").write_bytes(content)
    with pytest.raises(hg.FileError) as refused:
        hg.load_weights(narrow("hrnet_w18_cls"), "w.pdparams")
    assert message in str(refused.value)
    assert not Path("harmed").exists()


def test_what_paddle_has_no_name_for_is_refused(tmp_path: Path) -> None:
    hg.save(narrow("hrnet_w18_cls", **{"stages.2.modules": 5}), tmp_path / "five.pt")
    with pytest.raises(hg.FileError, match=r"paddle cannot hold .*: 'stage3\.4\.branches"):
        convert(tmp_path / "five.pt", "paddle", tmp_path / "p.pdparams")
    with pytest.raises(hg.FileError, match=r"a \.pdparams file holds Paddle's names, not those"):
        convert(tmp_path / "five.pt", "timm", tmp_path / "p.pdparams")


@pytest.mark.parametrize("name", ["SE_HRNet_W18_C", "HRNet_W60_C"])
def test_names_and_configs_of_every_width_are_imported(tmp_path: Path, name: str) -> None:
    path = tmp_path / "config.yml"
    path.write_text(f"Arch: {{name: {name}, class_num: 10}}\n")
    spec, _ = import_config(path)
    assert spec.width == int(name.split("_W")[1][:2])
    assert bool(spec.head.options["squeeze_excite"]) == name.startswith("SE_")
    path.write_text("Arch: {name: HRNet_W18_C, has_se: true, class_num: 10}\n")
    (weighed, _), (named, _) = import_config(path), import_config("SE_HRNet_W18_C")
    assert weighed.stages == named.stages
    path.write_text("Arch: {name: SE_HRNet_W18_C, has_se: true, class_num: 10}\n")
    with pytest.raises(hg.FileError, match="its code takes no other"):
        import_config(path)
