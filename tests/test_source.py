"""The source that is written: readable, short, formatted, and the same network to the bit."""

from __future__ import annotations

import ast
import logging
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from kinds import EACH_KIND
from small import PLAIN
from strategies import Data, specs
from written import REPEATED, assert_same, check, load

import hrnet_graph as hg
from hrnet_graph.compiler.source.layout import lay_out_graph
from hrnet_graph.compiler.source.network import call_by_call
from hrnet_graph.compiler.source.write import as_file, to_source
from hrnet_graph.ir.builder import Builder
from hrnet_graph.ir.graph import Initialisation
from hrnet_graph.ir.ops import (
    Activation,
    AveragePool,
    BilinearResize,
    ChannelDropout,
    Conv2d,
    Flatten,
    GlobalAveragePool,
    GroupNorm,
    Linear,
    NearestUpsample,
    Scale,
    Sum,
)
from hrnet_graph.ir.sizes import fits, open_types

GOLDEN = Path(__file__).parent / "data" / "source"

HEADS: dict[str, Data] = {
    "hrnet_w18_small_v1_cls": {"width": 3, "head.features": 8},
    "hrnet_w32_pose_256x192": {"width": 3},
    "hrnetv2_w18_small_v2_seg_cityscapes": {"width": 3},
    "hrnetv2_w48_ocr_lip": {"width": 3, "head.features": 8, "head.keys": 4},
    "hrnetv2_w18_landmark_wflw": {"width": 3},
    "hrnetv2_w18": {"width": 3},
    "hrnetv2p_w18": {"width": 3, "head.channels": 8},
    "higherhrnet_w32_512": {"width": 3},
}
"""One network of each kind in the catalogue, made narrow so that it runs in no time."""


@pytest.mark.parametrize("name", HEADS)
def test_it_computes_the_same_bits(name: str) -> None:
    small = {"stages.2.modules": 1, "stages.3.modules": 1}
    check(hg.load_spec(name, HEADS[name] | small), [(64, 64), (96, 64)])


@pytest.mark.slow
@pytest.mark.parametrize("name", hg.list_specs())
def test_the_whole_catalogue_computes_the_same_bits(name: str) -> None:
    check(name, [(64, 64)])


def nothing_is_logged(data: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "hrnet_graph.compiler.source"):
        to_source(hg.build_graph(data))
    assert not caplog.messages


@pytest.mark.parametrize("name", HEADS)
def test_it_is_written_as_the_papers_draw_it(name: str, caplog: pytest.LogCaptureFixture) -> None:
    nothing_is_logged(hg.load_spec(name, HEADS[name]), caplog)


@pytest.mark.slow
@pytest.mark.parametrize("name", PLAIN)
def test_the_whole_catalogue_is_written_so(name: str, caplog: pytest.LogCaptureFixture) -> None:
    nothing_is_logged(name, caplog)


def test_what_is_written_otherwise_is_logged_with_the_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "hrnet_graph.compiler.source"):
        to_source(foreign())
    assert caplog.messages == ["foreign is not written by regular: it has no stages"]


def test_sync_batch_norm_is_torchs_own() -> None:
    spec = hg.load_spec(REPEATED, {"norm": "sync_batch", "norm.momentum": 0.01})
    source = to_source(hg.build_graph(spec))
    assert "nn.SyncBatchNorm(8, momentum=0.01)" in source
    assert "BatchNorm2d" not in source
    check(spec, [(64, 64)], source)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs(max_stages=3))
def test_random_networks_compute_the_same_bits(data: Data) -> None:
    try:
        graph = hg.build_graph(data)
    except hg.SpecError:
        return
    height, width = graph.input.type.size
    sizes = [(height, width), *([(height + 32, width)] if open_types(graph) else [])]
    check(graph, [size for size in sizes if fits(graph, *size)])


@pytest.mark.parametrize(
    "names",
    [EACH_KIND, pytest.param(hg.list_specs(), marks=pytest.mark.slow)],
    ids=["kinds", "all"],
)
def test_the_catalogue_is_short_well_named_and_formatted_as_ruff_would(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    for name in names:
        source = to_source(hg.build_graph(name))
        lines = source.splitlines()
        assert not [line for line in lines if len(line) > 88], name
        if name not in PLAIN:
            assert len(lines) <= 1200, name
            continue
        assert len(lines) <= 400, name
        top = ast.parse(source).body
        classes = {node.name for node in top if isinstance(node, ast.ClassDef)}
        assert classes >= {"BasicBlock", "Bottleneck", "HighResolutionModule", "HRNet"}, name
        heads = [each for each in classes if each.endswith("Head")]
        assert heads or hg.load_spec(name).head.kind == "features", name
        imports = [node for node in top if isinstance(node, ast.Import | ast.ImportFrom)]
        modules = {each.module for each in imports if isinstance(each, ast.ImportFrom)}
        modules |= {a.name for each in imports if isinstance(each, ast.Import) for a in each.names}
        deforms = {"torchvision.ops"} if "DeformConv2d" in source else set()
        assert modules <= {"__future__", "torch", "torch.nn", *deforms}, name
        (tmp_path / f"{name}.py").write_text(source)
    for name in ("hrnet_w18_small_v1_cls", "hrnetv2_w48_ocr_lip"):
        graph = hg.build_graph(name)
        parts = call_by_call(lay_out_graph(graph))
        (tmp_path / f"{name}_call_by_call.py").write_text(as_file(graph, parts))
    (tmp_path / "foreign.py").write_text(to_source(foreign()))
    assert_formatted(tmp_path)


def assert_formatted(folder: Path) -> None:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed")
    for command in (["format", "--check"], ["check"]):
        result = subprocess.run(
            [ruff, *command, "--isolated", str(folder)], capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("hrnet_w18_small_v1_cls", "classes"),
        ("hrnet_w32_pose_256x192", "joints"),
        ("hrnetv2_w18_small_v2_seg_cityscapes", "classes"),
        ("hrnetv2_w48_ocr_lip", "classes"),
        ("hrnetv2_w18_landmark_wflw", "points"),
    ],
)
def test_the_number_of_outputs_is_an_argument(name: str, argument: str) -> None:
    small = HEADS[name] | {"stages.2.modules": 1, "stages.3.modules": 1}
    written = load(to_source(hg.build_graph(hg.load_spec(name, small))), **{argument: 7})
    model = hg.build_module(hg.load_spec(name, small | {f"head.{argument}": 7}))
    assert list(written.state_dict()) == list(model.state_dict())
    written.load_state_dict(model.state_dict())
    assert_same(model, written, torch.randn(1, 3, 64, 64), train=False)


@pytest.mark.parametrize("name", ["hrnetv2p_w18", "hrnetv2_w18", "higherhrnet_w32_512"])
def test_several_numbers_of_outputs_are_no_argument(name: str) -> None:
    assert "def __init__(self) -> None:" in to_source(hg.build_graph(name)).split("class HRNet")[1]


@pytest.mark.parametrize("name", ["hrnet_w48_cls", "hrnetv2_w48_ocr_cityscapes"])
def test_golden(name: str) -> None:
    """Change these files on purpose alone: `hrnet-graph build NAME -o tests/data/source/NAME.py`."""
    version = f"Written by hrnet-graph {hg.__version__}."
    golden = (GOLDEN / f"{name}.py").read_text()
    source = to_source(hg.build_graph(name))
    assert source == re.sub(r"Written by hrnet-graph \S+", version, golden)


def foreign() -> hg.Graph:
    """A network of parts that no rule of ours makes, with names that are no names in Python."""
    b = Builder(GroupNorm(2), Activation("leaky_relu"))
    x = b.input((3, 32, 32))
    with b.scope("lambda"):
        x = b.norm("1x1", b.conv("for", x, 8, 3, 2))
    for k in range(3):
        with b.scope("body", f"unit{k}", kind="block", label="strange unit"):
            y = b.activation("pre", x)
            y = b.add("deep", Conv2d(8, 5, groups=8), y)
            y = b.add("scale", Scale(0.3), b.conv("wide", y, 8))
            x = b.sum("all", y, b.add("sum", Sum(), x, y), x)
    pooled = b.add("pool", AveragePool(2), x)
    up = b.add("up", NearestUpsample(2), pooled)
    with b.scope("class", "é"):
        with b.scope("two"):
            low = b.conv("conv", pooled, 4)
            high = b.conv("conv2", b.concat("cat", up, x), 4)
        both = b.sum("both", b.add("resize", BilinearResize(), low, high), high)
    with b.scope("unused"):
        b.norm("norm", b.conv("conv", both, 6))
    vector = b.add("flat", Flatten(), b.add("mean", GlobalAveragePool(), both))
    last = b.add("drop", ChannelDropout(0.5), both)
    named = {'a"""b\n\\': b.add("linear", Linear(3), vector), "self": last, "x": both}
    init = Initialisation()
    return b.finish(named, name="foreign", init=init, head_init=init)


def test_it_can_be_trained() -> None:
    network = load(to_source(hg.build_graph(REPEATED)))
    network(torch.randn(2, 3, 64, 64)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_a_network_of_foreign_parts_comes_out_right() -> None:
    check(foreign(), [(32, 32), (48, 40)])


@pytest.mark.parametrize(
    ("init", "line"),
    [
        ({"conv": "kaiming"}, 'nn.init.kaiming_normal_(layer.weight, mode="fan_out"'),
        ({"conv": "lecun"}, 'nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")'),
        ({"conv": "normal", "std": 0.01}, "nn.init.normal_(layer.weight, std=0.01)"),
        ({"conv": "default", "conv_bias": "zero"}, "nn.init.zeros_(layer.bias)"),
    ],
)
def test_weights_start_as_the_spec_says(init: Data, line: str) -> None:
    source = to_source(hg.build_graph({**REPEATED, "init": init}))
    assert line in source
    network = load(source)
    assert isinstance(network.conv1, torch.nn.Conv2d)
    weight = network.conv1.weight.detach()
    if init["conv"] == "normal":
        assert float(weight.std()) == pytest.approx(0.01, rel=0.3)
    backbone = {key: value for key, value in init.items() if key != "conv_bias"}  # it has none
    head = {"conv": "lecun" if init["conv"] == "kaiming" else "kaiming"}
    own = to_source(hg.build_graph({**REPEATED, "init": {**backbone, "head": head}}))
    first = "" if init["conv"] == "default" else "self.apply(init_weights)\n        "
    assert f"{first}self.build_head(classes)\n        self.incre_modules.apply(init_head)" in own


def test_a_head_may_start_in_its_own_way() -> None:
    init = {"conv": "default", "head": {"conv": "normal", "std": 0.5}}
    source = to_source(hg.build_graph({**REPEATED, "init": init}))
    network = load(source)
    assert isinstance(network.final_layer, torch.nn.Sequential)
    last, first = network.final_layer[0], network.conv1
    assert isinstance(last, torch.nn.Conv2d)
    assert isinstance(first, torch.nn.Conv2d)
    assert float(last.weight.detach().std()) == pytest.approx(0.5, rel=0.2)
    assert float(first.weight.detach().abs().max()) < 0.5
