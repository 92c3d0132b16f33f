"""Sizes in ONNX models: what is stated is what comes, and what is open fits any image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_models import assert_same, by_hand, dimensions, filled, made, onnx, to_onnx
from small import SMALL
from strategies import HEADS

import hrnet_graph as hg
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir.graph import Node
from hrnet_graph.ir.ops import Flatten, Linear
from hrnet_graph.ir.types import TensorType


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


@pytest.mark.parametrize("size", [(33, 47), (64, 64), (9, 90)])
@pytest.mark.parametrize("align", [False, True])
def test_odd_sizes_of_a_bilinear_network(size: tuple[int, int], align: bool) -> None:
    fuse = {"upsample": "bilinear", "align_corners": align}
    head = {"kind": "segmentation", "classes": 3, "align_corners": align}
    model = filled({**SMALL, "fuse": fuse, "head": head}, (40, 56))
    assert_same(model, made(model), (1, *size), (3, 40, 56))
    other = filled({**SMALL, "fuse": fuse, "head": head}, size)
    assert_same(other, made(other, fixed_size=True), (2, *size))


@pytest.mark.parametrize("built", [(2, 2), (64, 1)])
def test_maps_of_one_pixel_are_as_open_as_any(built: tuple[int, int]) -> None:
    """What is of one pixel for a small image, and what is for every one, are told apart."""
    head = {"kind": "segmentation", "classes": 3, "output_stride": 2, "resize": "input"}
    spec = {**SMALL, "fuse": {"kind": "gated", "upsample": "bilinear"}, "head": head}
    block = {"kind": "basic", "squeeze_excite": {"reduction": 2}}
    model = filled(hg.load_spec(spec, {"stages.2.block": block}), built)
    file = made(model)
    closed = {v.name for v in file.graph.value_info if {*dimensions(v)[2:]} & {1}}
    assert {name.rpartition(".")[2] for name in closed} == {"pool", "fc1", "act", "fc2", "gate"}
    assert_same(model, file, (1, *built), (1, 33, 47), (2, 64, 96))


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
    from hrnet_graph.compiler.onnx.model import dims
    from hrnet_graph.ir.sizes import infer_types, open_types

    head = {"kind": "ocr", "classes": 3, "features": 4, "keys": 2}
    graph = hg.build_graph({**SMALL, "fuse": {"upsample": "bilinear"}, "head": head})
    named = dims(graph, open_types(graph))
    assert len({name for shape in named.values() for name in shape if name != "batch"}) < 40
    for height, width in ((64, 64), (33, 47), (70, 41)):
        found: dict[object, int] = {}
        for path, type in infer_types(graph, TensorType((3, height, width))).items():
            for name, number in zip(named[path][1:], type.shape, strict=True):
                assert name == number or found.setdefault(name, number) == number


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
