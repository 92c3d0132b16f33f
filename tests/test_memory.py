"""The peak of inference is what torch really holds, piece by piece."""

from __future__ import annotations

import itertools
import json
from typing import Any

import commands
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from strategies import specs
from torch.profiler import ProfilerActivity, profile
from watch import Watch, saved_for_backward

import hrnet_graph as hg
from hrnet_graph.analysis.memory import memory


def real_peak(graph: hg.Graph) -> int:
    model = hg.build_module(graph).eval()
    image = torch.randn(1, *graph.input.type.shape)
    with torch.inference_mode(), Watch(image) as watch:
        model(image)
    return int(watch.peak)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("hrnet_w18_small_v1_cls", (224, 224)),
        ("hrnet_w32_pose_256x192", (128, 96)),
        ("hrnetv2_w18_small_v2_seg_cityscapes", (97, 129)),
        ("hrnetv2_w18_landmark_wflw", (128, 128)),
        ("hrnetv2_w48_ocr_cityscapes", (64, 128)),
        ("hrnetv2_w18", (128, 128)),
        ("hrnetv2p_w18", (128, 128)),
        ("higherhrnet_w32_512", (128, 128)),
    ],
)
def test_peak_is_exact_for_every_head(name: str, size: tuple[int, int]) -> None:
    graph = hg.build_graph(name, size)
    assert memory(graph).peak == real_peak(graph)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs(max_stages=3))
def test_peak_is_exact_for_random_networks(data: dict[str, Any]) -> None:
    # torch's group norm and GELU take helpers of their own; the published choices do not
    graph = hg.build_graph({**data, "norm": {"kind": "batch"}, "activation": "relu"}, (64, 96))
    assert memory(graph).peak == real_peak(graph)


HEADS = [
    ("hrnet_w18_small_v1_cls", (224, 224)),
    ("hrnet_w32_pose_256x192", (128, 96)),
    ("hrnetv2_w18_small_v2_seg_cityscapes", (97, 129)),
    ("hrnetv2_w48_ocr_cityscapes", (64, 128)),
    ("hrnetv2p_w18", (128, 128)),
    ("higherhrnet_w32_512", (128, 128)),
]


@pytest.mark.parametrize(("name", "size"), HEADS)
def test_training_keeps_what_autograd_keeps(name: str, size: tuple[int, int]) -> None:
    # batch norm refuses single values; group norm has none to refuse at these sizes
    graph = hg.build_graph(name, size)
    if "ocr" in name:
        graph = hg.build_graph(hg.load_spec(name, {"norm": {"kind": "group", "groups": 2}}), size)
    assert memory(graph).activations == saved_for_backward(graph)


@pytest.mark.parametrize("kind", ["relu", "relu6", "leaky_relu", "silu", "hardswish", "gelu"])
def test_training_keeps_what_each_activation_needs(kind: str) -> None:
    spec = hg.load_spec("hrnet_w18_small_v1_cls", {"activation": kind})
    graph = hg.build_graph(spec, (64, 64))
    assert memory(graph).activations == saved_for_backward(graph)


def profiled_peak(graph: hg.Graph) -> int:
    """The most that torch's allocator holds while it runs one image, the image included."""
    model = hg.build_module(graph).eval()
    image = torch.randn(1, *graph.input.type.shape)
    with torch.inference_mode():
        model(image)
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
            model(image)
    assert profiler.profiler is not None
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    held = itertools.accumulate(e.nbytes() for e in sorted(events, key=lambda e: e.start_ns()))
    return int(max(held)) + image.nbytes


@pytest.mark.skipif(
    not torch.backends.mkldnn.is_available()
    or "AVX512" not in torch.backends.cpu.get_cpu_capability(),
    reason="the copies are those of oneDNN with AVX-512",
)
@pytest.mark.parametrize(("name", "size"), HEADS)
def test_peak_on_a_cpu_is_the_allocator_s_within_5_percent(
    name: str, size: tuple[int, int]
) -> None:
    graph, threads = hg.build_graph(name, size), torch.get_num_threads()
    torch.set_num_threads(max(2, threads))  # alone, a thread has other copies
    try:
        peak = profiled_peak(graph)
    finally:
        torch.set_num_threads(threads)
    assert memory(graph).cpu_peak == pytest.approx(peak, rel=0.05)


def test_weights_are_the_module_s() -> None:
    graph = hg.build_graph("hrnet_w18_small_v1_cls")
    model, found = hg.build_module(graph), memory(graph)
    params = sum(value.nbytes for value in model.parameters())
    counters = sum(1 for key in model.state_dict() if key.endswith("num_batches_tracked"))
    buffers = sum(value.nbytes for value in model.buffers())
    assert found.gradients == params
    assert found.optimiser == 2 * params
    # torch keeps its counters of batches as 8-byte integers
    assert found.weights == params + buffers - 4 * counters


def test_half_precision_halves() -> None:
    graph = hg.build_graph("hrnet_w48_cls")
    full, half = memory(graph), memory(graph, "bfloat16")
    assert half.peak * 2 == full.peak
    assert half.weights * 2 == full.weights
    assert half.optimiser == full.optimiser
    assert half.peak_node == full.peak_node == "layer1.0.downsample.1"


def test_command() -> None:
    assert "layer1.0.downsample.1" in commands.run("memory", "hrnet_w48_cls").stdout
    data = commands.run("memory", "hrnet_w48_cls", "--json").stdout
    assert [row["precision"] for row in json.loads(data)] == ["float32", "float16", "bfloat16"]
