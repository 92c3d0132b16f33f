"""ncnn's files: what ncnn makes of them is what the torch module gives, at any size."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from kinds import CATALOGUE
from onnx_models import by_hand, filled
from published import relative_error
from small import SMALL, maps_of, narrow
from strategies import build, specs

import hrnet_graph as hg
from hrnet_graph.cli.main import cli
from hrnet_graph.compiler.model import Model
from hrnet_graph.compiler.ncnn.extents import Extents
from hrnet_graph.compiler.ncnn.file import write_ncnn
from hrnet_graph.compiler.ncnn.layers import Layer
from hrnet_graph.compiler.ncnn.model import NcnnModel, to_ncnn
from hrnet_graph.compiler.torch.dense import arrays
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.ir import ops
from hrnet_graph.ir.graph import Node
from hrnet_graph.ir.ops.activation import ACTIVATIONS
from hrnet_graph.ir.types import TensorType

ncnn = pytest.importorskip("ncnn", reason="needs the extra ncnn")

EXACT = 1e-4
"""How far results may be from torch's, over the largest value."""


@torch.no_grad()
def agree(model: Network, *sizes: tuple[int, ...]) -> None:
    """The engine and torch agree, for an image of each size."""
    run = hg.compile(model, "ncnn", threads=1)
    for size in sizes:
        shape = (1, model.graph.input.type.channels, *size)
        x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
        for ours, theirs in zip(maps_of(run(x)), maps_of(model(x)), strict=True):
            assert ours.shape == theirs.shape
            assert relative_error(ours, theirs) < EXACT


def opened(path: Path, **options: bool) -> Any:
    """What ncnn itself opens, without any of ours: image -> outputs by name."""
    net = ncnn.Net()
    net.opt.num_threads = 1
    for name, value in options.items():
        setattr(net.opt, name, value)
    assert net.load_param(str(path)) == 0
    assert net.load_model(str(path.with_suffix(".bin"))) == 0

    def answer(image: torch.Tensor) -> dict[str, torch.Tensor]:
        extractor = net.create_extractor()
        assert extractor.input("input", ncnn.Mat(image.numpy()).clone()) == 0
        found = {name: extractor.extract(name) for name in net.output_names()}
        assert not any(code for code, _ in found.values())
        return {name: torch.from_numpy(np.array(value)) for name, (_, value) in found.items()}

    return answer


PLAIN = dict.fromkeys(("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"), False)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_agrees(name: str) -> None:
    agree(filled(narrow(name), (64, 96)), (64, 96), (96, 64))


@pytest.mark.slow
@pytest.mark.parametrize("name", hg.list_specs())
def test_the_catalogue_agrees_at_full_width(name: str) -> None:
    agree(filled(name, (128, 192)), (128, 192))


@pytest.mark.parametrize(
    "name", ["hrnetv2_w18_small_v1_seg_cityscapes", "hrformer_tiny_cls", "hrnetv2_w48_ocr_ade20k"]
)
def test_odd_sizes(name: str) -> None:
    agree(filled(narrow(name), (64, 96)), (65, 99), (97, 61), (33, 32))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs())
def test_random_networks_agree(data: dict[str, Any]) -> None:
    model = filled(build(data))
    agree(model, model.graph.input.type.size)


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize("norm", [{"kind": "batch", "eps": 0.01}, {"kind": "group", "groups": 4}])
def test_every_activation_and_norm(kind: str, norm: dict[str, Any]) -> None:
    agree(filled({**SMALL, "activation": kind, "norm": norm}, (64, 64)), (64, 64))


def test_what_is_computed_together() -> None:
    made = _made(hg.build_module(SMALL).eval())
    kinds = [layer.kind for layer in made.layers]
    assert "BatchNorm" not in kinds
    alone = [layer for layer in made.layers if layer.kind == "ReLU"]
    sums = {layer.outputs[0] for layer in made.layers if layer.kind == "BinaryOp"}
    assert alone
    assert {layer.inputs[0] for layer in alone} <= sums


def test_what_two_ops_compute_is_computed_once(tmp_path: Path) -> None:
    map_ = TensorType((3, 4, 6))
    graph = by_hand(
        (("a", "third"), ("b", "second"), ("c", "other")),
        Node("body", ops.Scale(2.0), ("input",), map_),
        Node("first", ops.Activation(), ("body",), map_),
        Node("second", ops.Activation(), ("body",), map_),
        Node("third", ops.Scale(3.0), ("first",), map_),
        Node("other", ops.Scale(3.0), ("body",), map_),
    )
    made = to_ncnn(graph, {})
    assert Counter(layer.kind for layer in made.layers)["ReLU"] == 1
    write_ncnn(made, tmp_path / "net.param")
    image = torch.randn(3, 4, 6)
    found = opened(tmp_path / "net.param", **PLAIN)(image)
    twice = 2 * image
    for name, value in {"a": 3 * twice.relu(), "b": twice.relu(), "c": 3 * twice}.items():
        assert relative_error(found[name], value) < EXACT


def test_squeeze_and_excitation_by_vectors(tmp_path: Path) -> None:
    map_, vector, few = TensorType((16, 4, 6)), TensorType((16, 1, 1)), TensorType((5, 1, 1))
    graph = by_hand(
        (("out", "scaled"), ("logits", "flat")),
        Node("body", ops.Conv2d(16), ("input",), map_),
        Node("pool", ops.GlobalAveragePool(), ("body",), vector),
        Node("down", ops.Conv2d(5), ("pool",), few),
        Node("relu", ops.Activation(), ("down",), few),
        Node("up", ops.Conv2d(16, bias=True), ("relu",), vector),
        Node("gate", ops.Activation("hardswish"), ("up",), vector),
        Node("scaled", ops.Multiply(), ("gate", "body"), map_),
        Node("flat", ops.Flatten(), ("gate",), TensorType((16,))),
    )
    state = {key: torch.randn(entry.shape) for key, entry in graph.state().items()}
    made = to_ncnn(graph, arrays(state, exact=False))
    assert not {"Reshape", "Flatten"} & {layer.kind for layer in made.layers}
    write_ncnn(made, tmp_path / "net.param")
    run, conv = opened(tmp_path / "net.param", **PLAIN), torch.nn.functional.conv2d
    for size in ((16, 16), (16, 5), (1, 1)):  # as wide as there are channels, too
        image = torch.randn(3, *size)
        body = conv(image[None], state["body.weight"])
        squeezed = conv(body.mean((2, 3), keepdim=True), state["down.weight"]).relu()
        gate = conv(squeezed, state["up.weight"], state["up.bias"])
        gate = torch.nn.functional.hardswish(gate)
        found = run(image)
        assert relative_error(found["out"], (gate * body)[0]) < EXACT
        assert relative_error(found["logits"], gate.flatten()) < EXACT


def test_pooling_by_whole_windows_where_sizes_are_bound() -> None:
    lite = hg.build_module("litehrnet18_coco_256x192", device="cpu").eval()
    assert not {"MatMul", "CumulativeSum"} & {layer.kind for layer in _made(lite).layers}
    extents = Extents(lite.graph)
    paths = [f"backbone.stage2.0.layers.0.cross_resolution_weighting.pool{i}" for i in range(3)]
    assert [extents.ratio(*lite.graph[path].inputs) for path in paths] == [8, 4, 2]
    free = {**SMALL, "fuse": {"kind": "sum", "upsample": "bilinear"}}
    outputs = hg.build_graph(free, None)
    first, *_, last = (node.path for node in outputs.nodes if node.op.family == "pointwise")
    assert Extents(outputs).ratio(first, last) is None


def _made(model: Network) -> NcnnModel:
    optimized = Model(model.graph, arrays(model.state_dict(), exact=False)).optimized("ncnn")
    assert optimized.weights is not None
    return to_ncnn(optimized.graph, optimized.weights)


@pytest.mark.parametrize("cells", [(3, 5), (4, 6), (1, 7), (9, 13)])
def test_adaptive_pooling_to_any_map(cells: tuple[int, int], tmp_path: Path) -> None:
    map_ = TensorType((3, 4, 6))
    graph = by_hand(
        (("out", "pool"), ("size", "like")),
        Node("body", ops.Scale(2.0), ("input",), map_),
        Node("like", ops.AdaptiveAveragePool(cells), ("input",), TensorType((3, *cells))),
        Node("pool", ops.AdaptiveAveragePool(), ("body", "like"), TensorType((3, *cells))),
    )
    write_ncnn(to_ncnn(graph, {}), tmp_path / "net.param")
    run = opened(tmp_path / "net.param", **PLAIN)
    for size in ((4, 6), (13, 17), (36, 91)):
        image = torch.randn(3, *size)
        expected = torch.nn.functional.adaptive_avg_pool2d(2 * image, cells)
        assert relative_error(run(image)["out"], expected) < EXACT


def test_outputs_that_are_the_same_value_or_the_image_itself(tmp_path: Path) -> None:
    graph = by_hand(
        (("a", "twice"), ("b", "dropped"), ("twice", "relu"), ("image", "input")),
        Node("twice", ops.Scale(2.0), ("input",), TensorType((3, 4, 6))),
        Node("dropped", ops.ChannelDropout(0.5), ("twice",), TensorType((3, 4, 6))),
        Node("relu", ops.Activation(), ("dropped",), TensorType((3, 4, 6))),
    )
    write_ncnn(to_ncnn(graph, {}), tmp_path / "net.param")
    image = torch.randn(3, 5, 7)
    found = opened(tmp_path / "net.param", **PLAIN)(image)
    expected = {"a": 2 * image, "b": 2 * image, "twice": (2 * image).relu(), "image": image}
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_files_that_ncnn_opens(tmp_path: Path) -> None:
    model, path = filled(SMALL, (64, 64)), tmp_path / "net.ncnn.param"
    hg.save(model, path)
    assert {file.name for file in tmp_path.iterdir()} == {"net.ncnn.param", "net.ncnn.bin"}
    image = torch.randn(3, 96, 64)
    with torch.no_grad():
        expected = model(image[None])[0]
    (found,) = opened(path, **PLAIN)(image).values()
    assert relative_error(found, expected) < EXACT
    whole = path.with_suffix(".bin").stat().st_size
    hg.save(model, path, float16=True)
    (found,) = opened(path)(image).values()
    assert relative_error(found, expected) < 0.01
    assert path.with_suffix(".bin").stat().st_size < 0.55 * whole


def test_a_network_in_float16_is_stored_so(tmp_path: Path) -> None:
    model = hg.build_module(SMALL).eval()
    hg.save(model, tmp_path / "asked.param", float16=True)
    hg.save(model.half(), tmp_path / "half.param")
    sizes = [(tmp_path / f"{name}.bin").stat().st_size for name in ("asked", "half")]
    assert sizes[0] == sizes[1]


def test_weights_beyond_float16_are_refused(tmp_path: Path) -> None:
    model = hg.build_module(SMALL).eval()
    with torch.no_grad():
        model.conv1.weight.fill_(1e6)
    with pytest.raises(hg.HRNetGraphError, match="up to 65504, got weights of conv1 up to 1e"):
        hg.save(model, tmp_path / "net.param", float16=True)
    with pytest.raises(hg.HRNetGraphError, match="up to 65504"):
        hg.compile(model, "ncnn", "float16")
    assert not [*tmp_path.iterdir()]


def test_an_op_without_a_form_is_refused() -> None:
    fused = ops.FusedConv2d(3, activation="relu")
    graph = by_hand((("out", "conv"),), Node("conv", fused, ("input",), TensorType((3, 4, 6))))
    said = r"conv 1x1 \+ relu cannot be written for ncnn"
    with pytest.raises(hg.HRNetGraphError, match=said):
        to_ncnn(graph, {"conv.weight": np.zeros((3, 3, 1, 1), np.float32)})


@pytest.mark.parametrize("name", ["two words", "x" * 256])
def test_names_that_ncnn_would_read_otherwise(name: str) -> None:
    graph = by_hand(((name, "twice"),), Node("twice", ops.Scale(2.0), ("input",), TensorType((3,))))
    with pytest.raises(hg.HRNetGraphError, match="a name of at most 255 letters, without spaces"):
        to_ncnn(graph, {})


def test_numbers_say_their_type() -> None:
    layer = Layer("Clip", "clip", ("a",), ("b",), {"min": 0.0, "max": 6.0})
    assert str(layer).split()[-2:] == ["0=0.0", "1=6.0"]
    layer = Layer("Crop", "crop", ("a",), ("b",), {"starts": (1, 2), "ends_expr": "0w"})
    assert str(layer).split()[-2:] == ["-23309=2,1,2", '20="0w"']
    layer = Layer("GroupNorm", "norm", ("a",), ("b",), {"eps": 1e-5})
    assert str(layer).split()[-1] == "2=1e-05"


def test_both_files_or_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, path = hg.build_module(SMALL).eval(), tmp_path / "net.param"
    hg.save(model, path)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with torch.no_grad():
        model.conv1.weight.zero_()
    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(hg.FileError, match="No space left"):
        hg.save(model, path)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_what_the_command_replaces_and_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hg.save(hg.build_module(SMALL), "small.pt")

    def said(line: str) -> str:
        result = CliRunner().invoke(cli, ["build", "small.pt", *line.split()])
        return f"{result.output}{result.exception or ''}"

    assert "wrote net.param, net.bin" in said("-o net.param")
    assert "'net.param' is there already" in said("-o net.param")
    Path("net.param").unlink()
    assert "'net.bin' is there already" in said("-o net.param")
    assert "replaced net.param, net.bin" in said("-o net.param --force --float16")
    Path("other.bin").mkdir()
    assert "cannot write 'other.bin': it is a folder" in said("-o other.param")
    assert "takes one file, and .param is two, with .bin" in said("-o -.param")
    assert "float16 is for .param alone, got .pt" in said("-o a.pt --float16")
    assert "batch is for .onnx alone, got .param" in said("-o a.param --batch 2")


IMAGES = [torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(i)) for i in range(3)]


@pytest.mark.parametrize("name", ["hrnet_w18_small_v1_cls", "litehrnet18_coco_256x192"])
def test_int8(name: str, tmp_path: Path) -> None:
    model = filled(narrow(name), (64, 64))
    run = hg.compile(model, "ncnn", "int8", calibration=IMAGES, threads=1)
    with torch.no_grad():
        expected = model(IMAGES[0])
    result = run(IMAGES[0])
    assert isinstance(result, torch.Tensor)
    assert 0 < relative_error(result, expected) < 0.05
    layers = {layer.name for layer in _made(model).layers if layer.kind.startswith("Conv")}
    assert layers <= {each.layer for each in run.layer_errors}
    assert all(0 <= each.error < 0.5 for each in run.layer_errors)
    hg.save(run, tmp_path / "net.param")
    (found,) = opened(tmp_path / "net.param", **PLAIN)(IMAGES[0][0]).values()
    assert torch.equal(found, result[0])
    with pytest.raises(hg.FileError, match=r"in int8 is a .param file as it is, got .onnx"):
        hg.save(run, tmp_path / "net.onnx")


def test_int8_of_what_is_not_finite() -> None:
    model = hg.build_module(SMALL).eval()
    with torch.no_grad():
        model.conv1.weight.fill_(3e38)  # finite, and no more when it is multiplied by an image
    with pytest.raises(hg.HRNetGraphError, match="cannot be made int8: not all that conv2 reads"):
        hg.compile(model, "ncnn", "int8", calibration=IMAGES[:1])


def test_no_image_and_one_of_huge_numbers() -> None:
    model = hg.build_module(SMALL).eval()
    none = hg.compile(model, "ncnn")(torch.zeros(0, 3, 64, 64))
    assert isinstance(none, torch.Tensor)
    assert none.shape == (0, 5)
    run = hg.compile(model, "ncnn", "int8", calibration=[1e25 * IMAGES[0]])
    assert all(np.isfinite(each.error) for each in run.layer_errors)
