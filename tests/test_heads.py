"""Heads: what their options make of maps, how their results are read, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small import SMALL, with_head

import hrnet_graph as hg
from hrnet_graph.images import Placement
from hrnet_graph.prediction import decoders
from hrnet_graph.prediction.coordinates import axes, coordinates
from hrnet_graph.prediction.labels import labels_for
from hrnet_graph.prediction.results import Points

WHOLE = Placement(0, 0, 400, 200, (200, 400))
ODD = {"input": [3, 75, 53], "fuse.upsample": "bilinear"}


def refusal(head: dict[str, Any], **changes: Any) -> str:
    with pytest.raises(hg.SpecError) as refused:
        hg.build_graph(hg.load_spec(SMALL, {"head": head, "name": "small", **changes}))
    return str(refused.value)


@pytest.mark.parametrize(
    ("stride", "size"),
    [(None, (19, 14)), (1, (75, 53)), (2, (38, 28)), (4, (19, 14)), (8, (10, 7)), (16, (5, 4))],
)
def test_an_output_stride_is_the_pixels_from_cell_to_cell(
    stride: int | None, size: tuple[int, int]
) -> None:
    head = {"kind": "segmentation", "classes": 3}
    model = with_head({**head, "output_stride": stride} if stride else head, **ODD)
    assert model(torch.rand(2, 3, 75, 53)).shape == (2, 3, *size)
    plain = with_head(head, **ODD)
    assert list(model.state_dict()) == list(plain.state_dict())


def test_stride_1_and_logits_at_the_image_s_size_are_not_one_and_the_same() -> None:
    head = {"kind": "segmentation", "classes": 3}
    first = with_head({**head, "output_stride": 1}, **ODD).eval()
    last = with_head({**head, "resize": "input"}, **ODD).eval()
    image = torch.rand(1, 3, 75, 53)
    with torch.inference_mode():
        assert first(image).shape == last(image).shape == (1, 3, 75, 53)
        assert not torch.equal(first(image), last(image))


def test_a_finer_stride_behind_a_neck_is_one_more_resize() -> None:
    overrides = {"head.output_stride": 4, "input": [3, 64, 64]}
    graph = hg.build_graph(hg.load_spec("ddrnet23_slim_seg_cityscapes", overrides))
    assert [graph[path].type.shape for _, path in graph.outputs] == [(19, 16, 16)]


def test_no_head_of_several_is_several_heads() -> None:
    inner = {"kind": "multi", "heads": {"b": "features"}}
    with pytest.raises(hg.SpecError, match="a head within another cannot be 'multi'"):
        hg.load_spec(SMALL, {"head": {"kind": "multi", "heads": {"a": inner}}})


def test_a_stride_that_nothing_has_is_refused() -> None:
    head = {"kind": "segmentation", "classes": 3}
    text = refusal({**head, "output_stride": 32})
    assert "head.output_stride: expected 1, 2, 4, 8 or 16, got 32" in text
    text = refusal({**head, "output_stride": 2, "align_corners": True})
    assert "keeps no corners in place\n  align_corners: false" in text
    text = refusal({**head, "output_stride": 1, "resize": "input"})
    assert "head.resize: nothing in the network reads it" in text


def test_transposed_convolutions_have_the_published_keys() -> None:
    head = {"kind": "heatmap", "joints": 4, "deconv": [6, 5], "deconv_kernels": [4, 3]}
    model = with_head(head, **ODD)
    assert model(torch.rand(2, 3, 75, 53)).shape == (2, 4, 76, 56)
    state = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    assert state["deconv_layers.0.weight"] == (4, 6, 4, 4)
    assert state["deconv_layers.3.weight"] == (6, 5, 3, 3)
    assert [key for key in state if key.endswith(("layers.1.weight", "layers.4.weight"))]
    assert list(state)[-2:] == ["final_layer.weight", "final_layer.bias"]
    text = refusal({"kind": "heatmap", "joints": 4, "deconv": [6], "deconv_kernels": [4, 3]},
                   **{"stages.2.outputs": 1})  # fmt: skip
    assert "head.deconv_kernels: expected 1 kernels, one for each width of `deconv`" in text
    text = refusal({"kind": "heatmap", "joints": 4, "deconv_kernels": [3]},
                   **{"stages.2.outputs": 1})  # fmt: skip
    assert "head.deconv_kernels: nothing in the network reads it" in text


def test_upernet_has_the_keys_of_mmsegmentation_in_their_order() -> None:
    model = with_head({"kind": "upernet", "classes": 3, "channels": 8})
    keys = [key for key in model.state_dict() if key.endswith(("conv.weight", "seg.weight"))]
    assert keys == [
        "conv_seg.weight",
        *(f"psp_modules.{i}.1.conv.weight" for i in range(4)),
        "bottleneck.conv.weight",
        *(f"lateral_convs.{i}.conv.weight" for i in range(2)),
        *(f"fpn_convs.{i}.conv.weight" for i in range(2)),
        "fpn_bottleneck.conv.weight",
    ]


def test_coordinates_are_parts_of_the_image() -> None:
    model = with_head({"kind": "regression", "joints": 4}, **ODD)
    assert model(torch.rand(2, 3, 75, 53)).shape == (2, 4, 2)
    planted = torch.tensor([[[0.25, 0.5], [1.5, -2.0]]])
    found = coordinates([planted], labels_for(None, 2, "joint"), WHOLE)
    assert found.heatmap is None
    assert [(p and (p.x, p.y, p.score)) for p in found.instances[0]] == [
        (100.0, 100.0, 1.0),
        (400.0, 0.0, 1.0),
    ]


def test_axes_are_read_at_the_middle_of_their_likeliest_classes() -> None:
    x, y = torch.zeros(1, 2, 80), torch.zeros(1, 2, 40)
    x[0, 0, 10], y[0, 0, 30], x[0, 1, 79], y[0, 1, 0] = 5.0, 3.0, 2.0, 4.0
    found = axes([x, y], labels_for(None, 2, "joint"), WHOLE)
    first, second = found.instances[0]
    assert first
    assert second
    assert (first.x, first.y, first.score) == (10.5 * 5, 30.5 * 5, 3.0)
    assert (second.x, second.y, second.score) == (79.5 * 5, 0.5 * 5, 2.0)
    assert found.heatmap is not None
    assert found.heatmap.size == (80, 40)


def test_a_mirrored_image_s_axes_are_mirrored_points() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(1, 5, 64), torch.randn(1, 5, 48)
    labels = labels_for(None, 5, "joint")
    plain = axes([x, y], labels, WHOLE).instances[0]
    mirrored = axes([x.flip(2), y], labels, WHOLE).instances[0]
    for one, other in zip(plain, mirrored, strict=True):
        assert one
        assert other
        assert (one.x + other.x, one.y) == pytest.approx((400.0, other.y), abs=0.11)


def test_simcc_has_as_many_classes_as_pixels_split() -> None:
    head = {"kind": "simcc", "joints": 4, "split_ratio": 1.5}
    found = with_head(head, **ODD)(torch.rand(2, 3, 75, 53))
    assert {axis: tuple(value.shape) for axis, value in found.items()} == {
        "x": (2, 4, 79),
        "y": (2, 4, 112),
    }
    text = refusal({**head, "split_ratio": 0.01}, **{"stages.2.outputs": 1})
    assert "head.split_ratio: 0.01 leaves no class for 64 pixels of x" in text


@pytest.mark.parametrize("head", [{"kind": "heatmap", "joints": 1},
                                  {"kind": "heatmap", "joints": 1, "deconv": [4]},
                                  {"kind": "heatmap", "joints": 1, "deconv": [4, 4]},
                                  {"kind": "landmark", "points": 1, "deconv": [4]}])  # fmt: skip
def test_a_peak_is_where_it_was_planted_at_any_resolution(head: dict[str, Any]) -> None:
    model = with_head(head)
    maps = torch.zeros_like(model(torch.rand(2, 3, 64, 64))[:1])
    side = maps.shape[3]
    maps[0, 0, side // 4, side // 2] = 1.0
    decoder = decoders.decoder_for(hg.load_spec(SMALL, {"head": head}))
    assert isinstance(decoder, decoders.Decoder)
    found = decoder.decode([maps], labels_for(None, 1, "joint"), WHOLE)
    assert isinstance(found, Points)
    (point,) = found.instances[0]
    assert point is not None
    assert (point.x, point.y) == pytest.approx((200 + 200 / side, 50 + 100 / side), abs=0.11)


@pytest.mark.parametrize("more", [{"output_stride": 1}, {"output_stride": 2}, {"output_stride": 8},
                                  {"resize": "input"}])  # fmt: skip
def test_regions_fill_the_image_whatever_the_stride(more: dict[str, Any]) -> None:
    model = with_head({"kind": "segmentation", "classes": 3, **more})
    logits = torch.zeros_like(model(torch.rand(2, 3, 64, 64))[:1])
    half = logits.shape[3] // 2
    logits[0, 1, :, :half], logits[0, 2, :, half:] = 9.0, 9.0
    found = decoders.regions([logits], labels_for(None, 3, "class"), WHOLE)
    assert found.labels.size == (400, 200)
    assert [found.labels.getpixel((x, 100)) for x in (0, 190, 210, 399)] == [1, 1, 2, 2]
