"""ONNX files: what ONNX Runtime makes of them is what the torch module gives."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import run
from hypothesis import HealthCheck, given, settings
from small import SMALL
from strategies import HEADS, build, specs

import hrnet_graph as hg
from hrnet_graph.compiler.module.files import arrays
from hrnet_graph.compiler.module.network import Network
from hrnet_graph.compiler.passes.optimise import optimise
from hrnet_graph.compiler.weights.moves import apply
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir.graph import Node
from hrnet_graph.ir.ops import (
    Activation,
    ChannelDropout,
    Flatten,
    FusedConv2d,
    Input,
    Layer,
    Linear,
    Op,
    Operands,
    Scale,
)
from hrnet_graph.ir.ops.activation import LAYERS
from hrnet_graph.ir.types import TensorType

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from hrnet_graph.compiler.onnx.file import write_onnx  # noqa: E402
from hrnet_graph.compiler.onnx.model import to_onnx as written  # noqa: E402

IMAGE = (2, 64, 96)


def to_onnx(*arguments: Any, **options: Any) -> Any:
    """The model as onnx reads it."""
    return onnx.load_from_string(b"".join(written(*arguments, **options).chunks()))


@torch.no_grad()
def filled(spec: Any, size: tuple[int, int] | None = None) -> Network:
    """A network whose weights and statistics are not those that it starts with."""
    graph = spec if isinstance(spec, hg.Graph) else hg.build_graph(spec, size)
    model = hg.build_module(graph).eval()
    draw = torch.Generator().manual_seed(0)
    for key, value in model.state_dict().items():
        if key.endswith("running_var") or (value.dim() == 1 and key.endswith("weight")):
            value.uniform_(0.5, 1.5, generator=draw)
        elif value.dim() == 1:
            value.normal_(0, 0.1, generator=draw)
        elif value.dim() > 1:
            value.normal_(0, (0.5 / value[0].numel()) ** 0.5, generator=draw)
    return model


def made(model: Network, **options: Any) -> Any:
    """The ONNX model of a network as it is, checked."""
    model_proto = to_onnx(model.graph, arrays(model), **options)
    onnx.checker.check_model(model_proto, full_check=True)
    return model_proto


def session(model: Any) -> Any:
    """ONNX Runtime on an ONNX model or a file; a warning of its is printed."""
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    return onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])


def assert_same(model: Network, onnx_model: Any, *sizes: tuple[int, int, int]) -> None:
    """ONNX Runtime and torch agree within 1e-4 of the largest value, by name, for each size."""
    engine = session(onnx_model)
    names = [output.name for output in engine.get_outputs()]
    assert names == [name for name, _ in model.graph.outputs]
    for count, *size in sizes:
        draw = torch.Generator().manual_seed(0)
        image = torch.randn(count, model.graph.input.type.channels, *size, generator=draw)
        with torch.inference_mode():
            expected = model(image)
        if isinstance(expected, torch.Tensor):
            expected = [expected]
        tensors = expected.values() if isinstance(expected, dict) else expected
        results = engine.run(None, {"input": image.numpy()})
        for result, tensor in zip(results, tensors, strict=True):
            assert result.shape == tuple(tensor.shape)
            scale = max(1, float(tensor.abs().max()))
            assert np.abs(result - tensor.numpy()).max() <= 1e-4 * scale


@pytest.mark.parametrize("name", hg.list_specs())
def test_the_catalogue_agrees(name: str, tmp_path: Path) -> None:
    model = filled(hg.load_spec(name, {"width": 6}), (64, 96))
    assert_same(model, made(model), (1, 64, 96), (2, 96, 64))
    hg.save(model, tmp_path / "net.onnx", fixed_size=True)
    assert_same(model, tmp_path / "net.onnx", IMAGE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["hrnet_w48_cls", "hrnetv2_w48_ocr_lip", "higherhrnet_w48_640", "hrnetv2p_w48"]
)
def test_the_widest_agree_at_full_width(name: str, tmp_path: Path) -> None:
    model = filled(name, (64, 96))
    assert_same(model, made(model), (1, 64, 96))
    hg.save(model, tmp_path / "net.onnx")
    assert_same(model, tmp_path / "net.onnx", (1, 96, 64))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs())
def test_random_networks_agree(data: dict[str, Any]) -> None:
    model = filled(build(data))
    height, width = model.graph.input.type.size
    assert_same(model, made(model), (2, height, width))


@pytest.mark.parametrize("head", HEADS, ids=lambda head: "-".join(map(str, head.values())))
@pytest.mark.parametrize("fixed_size", [False, True])
def test_shapes_are_those_of_the_graph(head: dict[str, Any], fixed_size: bool) -> None:
    """What ONNX infers by itself is what the file says of each value, and what the graph says."""
    graph = hg.build_graph({**SMALL, "head": head})
    model = made(hg.build_module(graph), fixed_size=fixed_size)
    stated = {value.name: value for value in (*model.graph.value_info, *model.graph.output)}
    assert len(stated) >= len({node.path for node in graph.nodes[1:]}) - 1
    del model.graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    types = {node.key: node.type.shape for node in graph.nodes}
    types |= {name: graph[path].type.shape for name, path in graph.outputs}
    seen = 0
    for value in (*inferred.graph.value_info, *inferred.graph.output):
        if value.name not in types:
            continue
        ours, theirs = dimensions(stated[value.name]), dimensions(value)
        assert ours[0] == "batch"
        for own, found, number in zip(ours[1:], theirs[1:], types[value.name], strict=True):
            assert own == number or (isinstance(own, str) and not fixed_size)
            assert not isinstance(found, int) or found == own
            seen += isinstance(found, int)
    assert seen > len(graph.nodes) // 2


def dimensions(value: Any) -> list[int | str]:
    """The dimensions of a value: numbers, and names of what is open."""
    return [dim.dim_value or dim.dim_param for dim in value.type.tensor_type.shape.dim]


@pytest.mark.parametrize("size", [(33, 47), (64, 64), (9, 90)])
@pytest.mark.parametrize("align", [False, True])
def test_odd_sizes_of_a_bilinear_network(size: tuple[int, int], align: bool) -> None:
    fuse = {"upsample": "bilinear", "align_corners": align}
    head = {"kind": "segmentation", "classes": 3, "align_corners": align}
    model = filled({**SMALL, "fuse": fuse, "head": head}, (40, 56))
    assert_same(model, made(model), (1, *size), (3, 40, 56))
    other = filled({**SMALL, "fuse": fuse, "head": head}, size)
    assert_same(other, made(other, fixed_size=True), (2, *size))


@pytest.mark.parametrize("head", HEADS, ids=lambda head: "-".join(map(str, head.values())))
@pytest.mark.parametrize("fixed_size", [False, True])
def test_a_fixed_batch_is_fixed_everywhere(head: dict[str, Any], fixed_size: bool) -> None:
    model = filled({**SMALL, "head": head}, (64, 64))
    body = made(model, batch=2, fixed_size=fixed_size)
    assert_same(model, body, (2, 64, 64))
    for value in (*body.graph.input, *body.graph.value_info, *body.graph.output):
        assert dimensions(value)[0] == 2
    assert not fixed_size or "Shape" not in {node.op_type for node in body.graph.node}


@pytest.mark.parametrize("batch", [0, -1, 65537])
def test_a_batch_that_is_none_is_refused(batch: int, tmp_path: Path) -> None:
    with pytest.raises(HRNetGraphError, match=f"^batch: expected 1 to 65536 images, got {batch}"):
        hg.save(hg.build_module(SMALL), tmp_path / "net.onnx", batch=batch)
    assert not list(tmp_path.iterdir())


def test_equal_names_are_equal_sizes() -> None:
    """Two values whose open dimensions have one name have one size, at every size that fits."""
    from hrnet_graph.compiler.onnx.dims import dims
    from hrnet_graph.ir.sizes import at_double_size, infer_types

    head = {"kind": "ocr", "classes": 3, "features": 4, "keys": 2}
    graph = hg.build_graph({**SMALL, "fuse": {"upsample": "bilinear"}, "head": head})
    named = dims(graph, at_double_size(graph))
    assert len({name for shape in named.values() for name in shape if name != "batch"}) < 40
    for height, width in ((64, 64), (33, 47), (70, 41)):
        found: dict[object, int] = {}
        for path, type in infer_types(graph, TensorType((3, height, width))).items():
            for name, number in zip(named[path][1:], type.shape, strict=True):
                assert name == number or found.setdefault(name, number) == number


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("norm", [{"kind": "batch", "eps": 0.01}, {"kind": "group", "groups": 4}])
def test_every_activation_and_norm(kind: str, norm: dict[str, Any]) -> None:
    model = filled({**SMALL, "activation": kind, "norm": norm}, (64, 64))
    assert_same(model, made(model), (2, 64, 64))


def test_the_oldest_operators_that_do() -> None:
    def opset(**changes: Any) -> int:
        version: int = made(hg.build_module({**SMALL, **changes})).opset_import[0].version
        return version

    assert opset() == 18
    assert opset(activation="gelu") == 20
    assert opset(norm={"kind": "group", "groups": 4}) == 18


def test_saved_networks_are_folded_unless_asked_otherwise(tmp_path: Path) -> None:
    model = filled(SMALL)
    hg.save(model, tmp_path / "folded.onnx")
    hg.save(model, tmp_path / "published.onnx", as_published=True)
    assert_same(model, tmp_path / "folded.onnx", (2, 64, 32))
    assert_same(model, tmp_path / "published.onnx", (2, 64, 32))
    folded, published = onnx.load(tmp_path / "folded.onnx"), onnx.load(tmp_path / "published.onnx")
    assert "BatchNormalization" not in {node.op_type for node in folded.graph.node}
    assert "BatchNormalization" in {node.op_type for node in published.graph.node}
    keys = {tensor.name for tensor in published.graph.initializer}
    counters = {key for key in model.state_dict() if key.endswith("num_batches_tracked")}
    assert keys >= model.state_dict().keys() - counters
    assert not keys & counters


@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_what_torch_fuses_is_taken_apart(activation: str) -> None:
    model = filled({**SMALL, "activation": activation})
    done = optimise(model.graph, "torch")
    assert any(isinstance(node.op, FusedConv2d) for node in done.graph.nodes)
    fused = to_onnx(done.graph, apply(done.moves, arrays(model)))
    onnx.checker.check_model(fused, full_check=True)
    assert_same(model, fused, (2, 64, 32))


def test_names_are_the_graphs() -> None:
    model = hg.build_module({**SMALL, "head": {"kind": "features"}})
    body = made(model).graph
    assert [value.name for value in body.input] == ["input"]
    assert [value.name for value in body.output] == ["out0", "out1", "out2"]
    assert {node.name for node in body.node} >= {node.key for node in model.graph.nodes[1:]}
    assert next(node.name for node in body.node if node.op_type == "Conv") == "conv1"


def test_metadata_builds_the_network_again() -> None:
    graph = hg.build_graph(SMALL, (64, 96))
    model = made(hg.build_module(graph))
    about = {entry.key: entry.value for entry in model.metadata_props}
    assert about == {"format": "hrnet-graph 1", "spec": graph.source}
    assert (model.producer_name, model.producer_version) == ("hrnet-graph", hg.__version__)


def test_two_files_of_one_network_are_equal(tmp_path: Path) -> None:
    model = filled(SMALL)
    for name in ("a.onnx", "b.onnx"):
        hg.save(model, tmp_path / name)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_weights_beside_the_model(tmp_path: Path) -> None:
    model = filled(SMALL)
    write_onnx(model.graph, arrays(model), tmp_path / "net.onnx", max_bytes=1000)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.onnx", "net.onnx.data"]
    onnx.checker.check_model(tmp_path / "net.onnx", full_check=True)
    assert_same(model, tmp_path / "net.onnx", (2, 64, 64))
    size = (tmp_path / "net.onnx").stat().st_size
    assert size < (tmp_path / "net.onnx.data").stat().st_size


def test_a_failed_write_leaves_both_files(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_text("precious")
    (tmp_path / "net.onnx.data").mkdir()
    model = hg.build_module(SMALL)
    with pytest.raises(hg.FileError, match="cannot write"):
        write_onnx(model.graph, arrays(model), tmp_path / "net.onnx", max_bytes=1000)
    assert (tmp_path / "net.onnx").read_text() == "precious"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.onnx", "net.onnx.data"]


@pytest.mark.parametrize(("type", "name"), [(torch.float16, "FLOAT16"), (torch.float64, "FLOAT")])
def test_number_types_are_kept_where_engines_have_them(type: torch.dtype, name: str) -> None:
    body = made(hg.build_module(SMALL).to(type)).graph
    for value in (*body.input, *body.output):
        assert value.type.tensor_type.elem_type == onnx.TensorProto.DataType.Value(name)


@pytest.mark.parametrize("type", [torch.bfloat16, torch.float64])
def test_what_engines_lack_is_written_as_float32(type: torch.dtype) -> None:
    model = hg.build_module(SMALL).eval().to(type)
    assert_same(model.float(), made(model), (1, 64, 64))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conv1.weight": None}, "small: expected weights for 'conv1.weight', got none"),
        (
            {"conv1.weight": np.zeros((8, 3, 1, 1), np.float32)},
            "small: expected weights for 'conv1.weight' of shape (8, 3, 3, 3), got (8, 3, 1, 1)",
        ),
        (
            {"classifier.bias": np.zeros(5)},
            "small: expected weights for 'classifier.bias' of type float32, as others, got float64",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named(change: dict[str, Any], message: str) -> None:
    model = hg.build_module(SMALL)
    weights = {k: v for k, v in {**arrays(model), **change}.items() if v is not None}
    with pytest.raises(HRNetGraphError) as caught:
        to_onnx(model.graph, weights)
    assert str(caught.value) == message


@dataclass(frozen=True)
class Unheard(Op):
    """An op that nobody knows."""

    family = "activation"

    def infer(self, x: Operands) -> TensorType:
        return x[0]

    def layer(self, x: Operands) -> Layer:
        return Layer("Identity")

    def label(self) -> str:
        return "unheard of"


def test_an_unknown_op_is_named() -> None:
    model = hg.build_module(SMALL)
    nodes = tuple(
        replace(node, op=Unheard()) if isinstance(node.op, Activation) else node
        for node in model.graph.nodes
    )
    with pytest.raises(
        HRNetGraphError, match=r"^@stem\.\S+: no ONNX operator is known for Unheard"
    ):
        to_onnx(replace(model.graph, nodes=nodes), arrays(model))


def by_hand(outputs: tuple[tuple[str, str], ...], *nodes: Node) -> hg.Graph:
    """A graph that no spec makes."""
    first = Node("input", Input((3, 4, 6)), (), TensorType((3, 4, 6)))
    plain = hg.build_graph(SMALL)
    return replace(plain, nodes=(first, *nodes), outputs=outputs, scopes=(), returns="dict")


def test_outputs_that_are_the_same_value_or_the_image_itself() -> None:
    graph = by_hand(
        (("a", "twice"), ("b", "dropped"), ("twice", "relu"), ("image", "input")),
        Node("twice", Scale(2.0), ("input",), TensorType((3, 4, 6))),
        Node("dropped", ChannelDropout(0.5), ("twice",), TensorType((3, 4, 6))),
        Node("relu", Activation(), ("dropped",), TensorType((3, 4, 6))),
    )
    model = to_onnx(graph, {})
    onnx.checker.check_model(model, full_check=True)
    image = np.random.default_rng(0).standard_normal((2, 3, 5, 7)).astype(np.float32)
    results = session(model).run(["a", "b", "twice", "image"], {"input": image})
    for result, expected in zip(
        results, (2 * image, 2 * image, np.maximum(2 * image, 0), image), strict=True
    ):
        assert np.array_equal(result, expected)


def test_weights_that_go_with_one_size_fix_it() -> None:
    graph = by_hand(
        (("out", "linear"),),
        Node("flat", Flatten(), ("input",), TensorType((72,))),
        Node("linear", Linear(2), ("flat",), TensorType((2,))),
    )
    weights = {"linear.weight": np.ones((2, 72), np.float32), "linear.bias": np.ones(2, np.float32)}
    model = to_onnx(graph, weights)
    onnx.checker.check_model(model, full_check=True)
    assert dimensions(model.graph.input[0]) == ["batch", 3, 4, 6]


HOSTILE = "a\"b'c<d>\n\\e/f %s {g} \u202e\u00e9" + "h" * 10_000


def test_hostile_names_stay_names() -> None:
    model = filled(SMALL)
    graph = model.graph

    def renamed(path: str) -> str:
        return path.replace("layer1", HOSTILE)

    nodes = tuple(
        replace(node, path=renamed(node.path), inputs=tuple(map(renamed, node.inputs)))
        for node in graph.nodes
    )
    outputs = tuple((name, renamed(path)) for name, path in graph.outputs)
    weights = {renamed(key): value for key, value in arrays(model).items()}
    hostile = to_onnx(replace(graph, name=HOSTILE, nodes=nodes, outputs=outputs), weights)
    onnx.checker.check_model(hostile, full_check=True)
    assert_same(model, hostile, (2, 64, 64))


def test_options_of_another_kind_of_file_are_refused(tmp_path: Path) -> None:
    model = hg.build_module(SMALL)
    for options in ({"fixed_size": True}, {"as_published": True}, {"batch": 2}):
        with pytest.raises(hg.FileError, match=r"(fixed-size|as-published|batch) is for \.onnx"):
            hg.save(model, tmp_path / "net.pt", **options)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def without_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("hrnet_graph.compiler.onnx")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)


@pytest.mark.usefixtures("without_onnx")
def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(HRNetGraphError, match=r"need onnx\n  pip install 'hrnet-graph\[onnx\]'"):
        hg.save(hg.build_module(SMALL), tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_build_writes_onnx(tmp_path: Path) -> None:
    path, weights = tmp_path / "net.onnx", tmp_path / "net.pt"
    spec = ("hrnet_w18_small_v1_cls", "--set", "width=4", "--input", "64x64")
    torch.manual_seed(0)
    model = hg.build_module(hg.build_graph(hg.load_spec(spec[0], {"width": 4}), (64, 64))).eval()
    hg.save(model, weights)
    result = run("build", *spec, "-o", path, "--weights", weights, "--fixed-size", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["weights"]["complete"]
    assert dimensions(onnx.load(path).graph.input[0]) == ["batch", 3, 64, 64]
    assert_same(model, path, (2, 64, 64))
