"""Blocks that weigh their channels: ops that no published network has, in all that reads a graph."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from onnx_models import assert_same, filled, made
from small import SMALL
from watch import Watch, saved_for_backward
from written import check

import hrnet_graph as hg
from hrnet_graph.analysis.memory import memory
from hrnet_graph.benchmark.verify import verify
from hrnet_graph.compiler.source.layout import outputs_of
from hrnet_graph.compiler.source.regular import regular
from hrnet_graph.compiler.source.write import _write_proved
from hrnet_graph.compiler.torch.inference import optimize_for_inference

OPTION = {"squeeze_excite": {"reduction": 4}}

EVERYWHERE = hg.load_spec(
    SMALL,
    {
        "stages.0.block": {"kind": "bottleneck", **OPTION},
        "stages.1.block": {"kind": "basic", **OPTION},
        "stages.2.block": {"kind": "basic", **OPTION},
    },
)


def test_params_are_those_of_the_paper() -> None:
    # section 4 of the paper: 2 / r x C^2 weights for every block, and the biases of both layers
    origin = "hrnet_w18_small_v1_cls"
    spec = hg.load_spec(origin, {"stages.1.block": {"kind": "basic", **OPTION}})
    plain, gated = (hg.analyze(hg.build_graph(each)).params for each in (origin, spec))
    assert gated - plain == sum(2 * 2 * c * c // 4 + 2 * (c // 4 + c) for c in (16, 32))


def test_keys_stand_between_the_last_norm_and_the_projection() -> None:
    keys = [key for key in hg.build_graph(EVERYWHERE).state() if key.startswith("layer1.0.")]
    inside = ["se.fc1.weight", "se.fc1.bias", "se.fc2.weight", "se.fc2.bias"]
    at = keys.index("layer1.0.se.fc1.weight")
    assert keys[at : at + 4] == [f"layer1.0.{key}" for key in inside]
    assert keys[at - 1].startswith("layer1.0.bn3.")
    assert keys[at + 4].startswith("layer1.0.downsample.")


def test_counters_and_memory_agree() -> None:
    graph = hg.build_graph(EVERYWHERE)
    assert all(check.agrees for check in verify(graph))
    model = hg.build_module(graph).eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad(), Watch(image) as watch:
        model(image)
    assert memory(graph).peak == watch.peak
    assert memory(graph).activations == saved_for_backward(graph)


def test_source_is_written_as_the_papers_draw_it_and_computes_the_same_bits() -> None:
    graph = hg.build_graph(EVERYWHERE)
    source = _write_proved(graph, regular, outputs_of(graph))
    assert "torch.sigmoid(" in source
    check(EVERYWHERE, [(64, 64), (96, 64)], source)


def test_engines_agree() -> None:
    model = filled(EVERYWHERE)
    assert_same(model, made(model), (1, 64, 64), (2, 96, 64))
    image = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(
            optimize_for_inference(model)(image), model(image), rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize("name", ["block.svg", "page.html"])
def test_it_is_drawn(name: str, tmp_path: Path) -> None:
    hg.render(hg.build_graph(EVERYWHERE), tmp_path / name)
    assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"reduction": 0}, "stages.1.block.squeeze_excite.reduction: expected at least 1, got 0"),
        (16, "stages.1.block.squeeze_excite: expected a mapping, got 16"),
        ({"reduction": 4, "bias": 1}, "squeeze_excite.bias: unknown key (known: reduction)"),
    ],
)
def test_a_wrong_option_is_named(value: object, message: str) -> None:
    with pytest.raises(hg.SpecError) as caught:
        hg.load_spec(SMALL, {"stages.1.block": {"kind": "basic", "squeeze_excite": value}})
    assert message in str(caught.value)
