"""Engines that run networks, and what their answers are held against."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from published import fill, relative_error
from small import SMALL, maps_of
from strategies import FINEST_ALONE, HEADS

import hrnet_graph as hg
from hrnet_graph.compiler.torch.network import Network, Output
from hrnet_graph.engines.engine import OWN

ENGINES = ["torch", "onnxruntime", "openvino", "ncnn"]
"""The targets that need no C++ compiler."""

TOLERANCE = {"float32": 1e-5, "bfloat16": 0.05, "float16": 0.01, "int8": 0.15}
"""Precision -> the largest difference from the module in float32, over the largest value."""


def engine(name: str) -> str:
    """A target, if its engine is installed."""
    for package in OWN[name].packages:
        pytest.importorskip(package)
    return name


def has(target: str, precision: str) -> None:
    """Skips where the engine or the processor lacks a precision."""
    engine(target)
    if target == "openvino":
        import openvino

        found = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if {"bfloat16": "BF16", "float16": "FP16"}.get(precision, "FP32") not in found:
            pytest.skip(f"this processor has no {precision} in OpenVINO")


def spec_of(head: int) -> dict[str, Any]:
    """A small network with one of the heads."""
    chosen = dict(HEADS[head])
    if chosen["kind"] == "classification" or "pyramid" in chosen:
        chosen["channels"] = [2, 3]
    last = {"outputs": 1} if chosen["kind"] in FINEST_ALONE else {}
    first, second, _ = SMALL["stages"]
    return {**SMALL, "stages": [first, {**second, **last}], "head": chosen}


@cache
def module(head: int) -> Network:
    model = hg.build_module(spec_of(head)).eval()
    fill(model)
    return model


def image(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def agree(ours: Output, theirs: Output, precision: str) -> None:
    """The same kinds, names, shapes and types, and values within the tolerance."""
    assert type(ours) is type(theirs)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        assert list(ours) == list(theirs)
    for a, b in zip(maps_of(ours), maps_of(theirs), strict=True):
        assert a.shape == b.shape
        assert a.dtype == torch.float32
        assert not a.requires_grad
        assert relative_error(a, b) < TOLERANCE[precision]


def names(head: int) -> str:
    return f"{head}-{HEADS[head]['kind']}"
