"""The graphs whose figures are tested."""

from __future__ import annotations

import hrnet_graph as hg
from hrnet_graph.choices import ViewName
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.to_dot import to_dot
from hrnet_graph.viz.to_svg import to_svg

SMALL = "hrnet_w18_small_v1_cls"

HEADS = (
    SMALL,
    "hrnet_w32_pose_256x192",
    "hrnetv2_w18",
    "hrnetv2_w18_small_v1_seg_cityscapes",
    "hrnetv2_w48_ocr_cityscapes",
    "hrnetv2_w18_landmark_wflw",
    "hrnetv2p_w18",
    "higherhrnet_w32_512",
)
"""One network a kind of head."""


def graph(name: str, changes: dict[str, object] | None = None) -> hg.Graph:
    return hg.build_graph(hg.load_spec(name, changes or {}))


def dot_of(graph: hg.Graph, view: ViewName = "figure") -> str:
    return to_dot(lay_out(graph, view))


def svg_of(graph: hg.Graph, view: ViewName = "figure") -> bytes:
    return to_svg(lay_out(graph, view)).encode()
