"""Names in ONNX models: they are the graph's, and errors use them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from onnx_models import assert_same, filled, made, onnx, to_onnx
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.compiler.torch.dense import arrays
from hrnet_graph.errors import HRNetGraphError


def test_names_are_the_graphs() -> None:
    model = hg.build_module({**SMALL, "head": {"kind": "features"}})
    body = made(model).graph
    assert [value.name for value in body.input] == ["input"]
    assert [value.name for value in body.output] == ["out0", "out1", "out2"]
    assert {node.name for node in body.node} >= {node.key for node in model.graph.nodes[1:]}
    assert next(node.name for node in body.node if node.op_type == "Conv") == "conv1"


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
    weights = {
        k: v
        for k, v in {**arrays(model.state_dict(), exact=False), **change}.items()
        if v is not None
    }
    with pytest.raises(HRNetGraphError) as caught:
        to_onnx(model.graph, weights)
    assert str(caught.value) == message


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
    weights = {
        renamed(key): value for key, value in arrays(model.state_dict(), exact=False).items()
    }
    hostile = to_onnx(replace(graph, name=HOSTILE, nodes=nodes, outputs=outputs), weights)
    onnx.checker.check_model(hostile, full_check=True)
    assert_same(model, hostile, (2, 64, 64))
