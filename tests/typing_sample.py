"""The public API as a user's type checker sees it: mypy and pyright check this file, nobody runs it.

Every public name is used once; what a call gives is stated, so that `Any` cannot slip in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import torch
from networkx import DiGraph
from torch import Tensor

import hrnet_graph as hg
from hrnet_graph.analysis.cost import Cost
from hrnet_graph.detection import PyramidBackbone, faster_rcnn, fcos, mask_rcnn, pyramid_backbone
from hrnet_graph.detection import load as load_detector
from hrnet_graph.ir.graph import Node

Output = Tensor | list[Tensor] | dict[str, Tensor]
Array = np.ndarray[Any, Any]


def specs() -> hg.Spec:
    assert_type(hg.__version__, str)
    assert_type(hg.list_specs(), tuple[str, ...])
    assert_type(hg.list_variants(), tuple[str, ...])
    hg.load_spec(Path("mine.yaml"))
    hg.load_spec({"input": [3, 64, 64], "width": 32})
    spec = hg.load_spec("hrnet_w32_cls", {"width": 48, "stages.2.modules": 2})
    assert_type(spec, hg.Spec)
    assert_type(spec.name, str)
    assert_type(spec.input, tuple[int, int, int])
    return spec


def graphs(spec: hg.Spec) -> hg.Graph:
    graph = hg.build_graph(spec, input_size=(224, 224))
    assert_type(graph, hg.Graph)
    assert_type(graph.nodes, tuple[Node, ...])
    assert_type(graph["stage2.0.fuse"], Node)
    assert_type(graph.nx, DiGraph[str])
    assert_type(hg.render(graph, "w48.svg"), Path)
    hg.render(graph, Path("w48.pdf"), view="fuse", only="stage3.1", colour="macs", title=False)
    return graph


def counts(graph: hg.Graph) -> None:
    report = hg.analyze(graph)
    assert_type(report, hg.Report)
    assert_type(report.params, int)
    assert_type(report.macs, int)
    assert_type(report.flops, int)
    assert_type(report.total, Cost)
    assert_type(report.by("stage"), dict[str, Cost])
    assert_type(report.nodes, Mapping[str, Cost])


def networks(spec: hg.Spec, graph: hg.Graph, image: Tensor) -> None:
    model = hg.build_module(spec, device="meta", checkpoint_activations="module")
    assert_type(model, hg.Network)
    assert_type(hg.build_module("hrnet_w32_cls", features_only=True), hg.Network)
    maps = hg.build_module("hrnet_w32_cls", features_only=True, out_indices=(0, 2))
    assert_type(maps.forward_features(image), list[Tensor])
    assert_type(maps.feature_info, hg.FeatureInfo)
    assert_type(maps.feature_info.channels(), list[int])
    assert_type(maps.feature_info.out_indices, tuple[int, ...])
    assert_type(hg.freeze(model, upto="stage3"), tuple[str, ...])
    hg.freeze(model, upto=None)
    assert_type(hg.build_module(graph, optimize="inference"), hg.Network)
    assert_type(model.graph, hg.Graph)
    hg.save(model, "w48.pt")
    hg.save(model, Path("w48.onnx"), fixed_size=True, batch=1, as_published=True)
    report = hg.load_weights(model, "w.pth", partial=True, dialect="timm")
    assert_type(report, hg.LoadReport)
    assert_type(report.complete, bool)
    assert_type(report.missing, tuple[str, ...])
    assert_type(hg.compile_blocks(model), int)
    assert_type(hg.cuda_graph(model, image), Callable[[Tensor], Output])


def predictions() -> None:
    prediction = hg.predict("hrnet_w32_cls", "photo.jpg", weights="w.pth", seed=0)
    assert_type(prediction, hg.Prediction)
    assert_type(prediction.save("out.png"), list[Path])
    model = hg.build_module("hrnet_w32_cls")
    assert_type(hg.predict(model, ["a.jpg", "b.jpg"]), list[hg.Prediction])
    prepared = hg.Preprocessor(model.graph)
    assert_type(hg.predict(model, np.zeros((48, 64, 3), np.uint8)), hg.Prediction)
    assert_type(prepared(Path("photo.jpg")).shape, tuple[Any, ...])


def engines(spec: hg.Spec) -> None:
    engine = hg.compile(spec, "openvino", weights="w48.pt", threads=2)
    assert_type(engine, hg.Compiled)
    assert_type(engine.graph, hg.Graph)
    assert_type(engine(torch.zeros(1, 3, 64, 64)), Output)
    assert_type(engine(np.zeros((1, 3, 64, 64))), Array | list[Array] | dict[str, Array])
    assert_type(hg.load_engine("w48.onnx"), hg.Compiled)


def files() -> None:
    assert_type(hg.load("w48.pt", optimize="inference"), hg.Network)
    assert_type(hg.load("w48.onnx", target="onnxruntime", precision="float32"), hg.Compiled)


def detectors() -> None:
    assert_type(pyramid_backbone("hrnetv2p_w32"), PyramidBackbone)
    assert_type(load_detector("detector.pt", weights="w.pth", threshold=0.5), torch.nn.Module)
    for detector in (faster_rcnn, mask_rcnn, fcos):
        detector("hrnetv2p_w32", num_classes=91).eval()


def checks() -> None:
    found = hg.check("extends: hrnet_w48_cls", path="w48.yaml")
    assert_type(found, hg.Check)
    assert_type(found.graph, hg.Graph | None)
    assert_type(found.report, hg.Report | None)
    assert_type(hg.load_spec(text="extends: hrnet_w48_cls"), hg.Spec)
    for problem in (*found.problems, *found.warnings):
        assert_type(problem.mark.line, int | None)
        assert_type([fix.title for fix in problem.fixes], list[str])


def errors() -> None:
    try:
        specs()
    except hg.SpecError as error:
        assert_type(error.problems[0].place, str)
    except (hg.FileError, hg.InputError) as error:
        assert_type(error, hg.FileError | hg.InputError)
    except hg.HRNetGraphError as error:
        assert_type(error.message, str)
        assert_type(error.hint, str)


def refused(graph: hg.Graph) -> None:
    """What a checker has to complain of; one that does not finds a needless comment."""
    hg.render(graph, "w48.svg", view="modul")  # type: ignore[arg-type]
    hg.build_module("hrnet_w32_cls", optimize="training")  # type: ignore[arg-type]
    hg.analyze("hrnet_w32_cls")  # type: ignore[arg-type]
    hg.load("w48.pt", target="openvino", device="cpu")  # type: ignore[call-overload]
    hg.compile("hrnet_w32_cls", precision="f8")  # type: ignore[arg-type]
    hg.analyze(graph).by("colour")  # type: ignore[arg-type]
    hg.build_grahp("hrnet_w32_cls")  # type: ignore[attr-defined]
