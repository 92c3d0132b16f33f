"""ONNX files that hold another model than their spec says, or that an engine cannot open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engines import engine
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.compiler.model import about

pytest.importorskip("onnx")

import onnx


@pytest.mark.parametrize(
    "changes",
    [
        {"head.classes": 6},
        {"width": 6, "head.channels": [4, 8, 16]},
        {"input": [4, 64, 64]},
        {"stages.1.blocks": 2, "stem.channels": 9},
    ],
)
@pytest.mark.parametrize("options", [{}, {"as_published": True}, {"fixed_size": True}])
def test_a_model_is_its_specs(
    changes: dict[str, Any], options: dict[str, Any], tmp_path: Path
) -> None:
    engine("onnxruntime")
    path = tmp_path / "net.onnx"
    hg.save(hg.build_module(SMALL), path, **options)
    hg.load(path)
    other = hg.build_graph(hg.load_spec(SMALL, changes))
    model = onnx.load(path)
    next(entry for entry in model.metadata_props if entry.key == "spec").value = about(other)[
        "spec"
    ]
    onnx.save(model, path)
    with pytest.raises(hg.FileError, match=r"net\.onnx' holds a model that is not its spec's$"):
        hg.load(path)


def test_a_size_that_a_model_is_for_is_its_specs(tmp_path: Path) -> None:
    engine("onnxruntime")
    path = tmp_path / "net.onnx"
    hg.save(hg.build_module(SMALL), path, fixed_size=True)
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 96
    onnx.save(model, path)
    with pytest.raises(hg.FileError, match="holds a model that is not its spec's"):
        hg.load(path)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("onnxruntime", r"\[ONNXRuntimeError\] .*upside down"),
        ("openvino", "-- Conversion is failed for: .*Resize"),
    ],
)
def test_the_engines_reason_is_in_our_message_and_there_alone(
    target: str, reason: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    engine(target)
    path = tmp_path / "net.onnx"
    hg.save(hg.build_module(SMALL), path)
    model = onnx.load(path)
    resize = next(node for node in model.graph.node if node.op_type == "Resize")
    by = "coordinate_transformation_mode"
    next(entry for entry in resize.attribute if entry.name == by).s = b"upside down"
    onnx.save(model, path)
    with pytest.raises(hg.FileError, match=rf"^{target} cannot open .*net\.onnx': {reason}"):
        hg.load(path, target=target)
    said = capfd.readouterr()
    assert said.out + said.err == ""


def test_openvino_says_which_weights_it_does_not_read(tmp_path: Path) -> None:
    engine("openvino")
    path = tmp_path / "net.onnx"
    hg.save(hg.build_module(SMALL), path)
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="net.data", size_threshold=0)
    model = onnx.load(path, load_external_data=False)
    for weight in model.graph.initializer:
        next(entry for entry in weight.external_data if entry.key == "location").value = "../net"
    onnx.save(model, path)
    with pytest.raises(hg.FileError, match="is outside the base directory"):
        hg.load(path, target="openvino")
