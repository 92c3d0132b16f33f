"""Beside timm: the same keys, the same weights, the same output, published and random alike."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from published import CLASSIFIERS, relative_error
from timm.models.hrnet import HighResolutionNet

import hrnet_graph as hg

SLOW = pytest.mark.slow

NAMES = {name: "hrnet_" + name[6:-4].replace("small_v1", "small") for name in CLASSIFIERS}
"""Our name -> timm's."""


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_timm_weights_load_and_outputs_agree(name: str) -> None:
    theirs = timm.create_model(NAMES[name]).eval()
    ours = hg.build_module(name).eval()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict(), strict=True)
    image = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        assert relative_error(ours(image), theirs(image)) < 1e-5


def test_pyramid_is_what_timm_calls_features() -> None:
    theirs = timm.create_model(
        "hrnet_w18_small", features_only=True, out_indices=(1, 2, 3, 4)
    ).eval()
    spec = hg.load_spec("hrnet_w18_small_v1_cls", {"head": {"kind": "features", "pyramid": True}})
    ours = hg.build_module(spec).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        for our_map, their_map in zip(ours(image), theirs(image), strict=True):
            assert relative_error(our_map, their_map) < 1e-5


@pytest.mark.parametrize("name", ["hrnet_w18_ssld", pytest.param("hrnet_w48_ssld", marks=SLOW)])
def test_ssld_networks_load_and_agree_to_the_bit(name: str) -> None:
    theirs = timm.create_model(name).eval()
    ours = hg.build_module(f"{name}_cls").eval()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict(), strict=True)
    image = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        assert torch.equal(ours(image), theirs(image))


@st.composite
def topologies(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A random network that timm can express too: our spec and timm's configuration."""
    totals = [4 * draw(st.integers(1, 3)) for _ in range(4)]
    second = draw(st.integers(1, 3))
    counts = [1, second, draw(st.integers(second, 4)), 4]
    ours, theirs = [], {}
    for index, count in enumerate(counts):
        block = draw(st.sampled_from(["basic", "bottleneck"]))
        widths = [draw(st.integers(1, 6))] if index == 0 else totals[:count]
        if block == "bottleneck" and index > 0:
            widths = [width // 4 for width in widths]
        blocks = [draw(st.integers(1, 2)) for _ in range(count)]
        modules = draw(st.integers(1, 2)) if index > 0 else 1
        ours.append({"block": block, "modules": modules, "blocks": blocks, "channels": widths})
        theirs[f"stage{index + 1}"] = {
            "num_modules": modules,
            "num_branches": count,
            "block_type": block.upper(),
            "num_blocks": tuple(blocks),
            "num_channels": tuple(widths),
            "fuse_method": "SUM",
        }
    stem = 4 * draw(st.integers(1, 4))
    spec = {
        "name": "random",
        "input": [3, 64, 64],
        "stem": {"channels": 64},
        "stages": ours,
        "head": {"kind": "classification", "classes": stem},
    }
    return spec, {"stem_width": 64, **theirs}


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(topologies(), st.sampled_from([(32, 32), (64, 32), (96, 64)]))
def test_random_topologies_agree_with_timm(
    topology: tuple[dict[str, Any], dict[str, Any]], size: tuple[int, int]
) -> None:
    spec, config = topology
    theirs = HighResolutionNet(config, num_classes=spec["head"]["classes"]).eval()
    ours = hg.build_module(spec).eval()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict(), strict=True)
    image = torch.randn(2, 3, *size)
    with torch.inference_mode():
        assert relative_error(ours(image), theirs(image)) < 1e-5
