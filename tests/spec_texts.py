"""Texts of specs in many styles, and what they say."""

from __future__ import annotations

import re
from typing import Any

import yaml
from hypothesis import strategies as st

from hrnet_graph.spec.catalogue import folder
from hrnet_graph.spec.source import parse

CATALOGUE = {path.stem: path.read_text() for path in sorted(folder().glob("*.yaml"))}

BLOCK = """\
# mine
# yaml-language-server: $schema=hrnet-graph.schema.json

extends: 'hrnet_w32_cls'   # the base

stem:
    # of the image
    kind: conv    # two convolutions
    channels: 64
stages:
    - block: bottleneck
      branches: 1   # one
      channels:
      - 64
    - block: basic
      # four
      branches: 2
    - {block: basic, branches: 3}
head: classification
# the end
"""
FLOW = """\
{
  "input": [3, 224, 224],  # channels first
  "width": 32,
  "stem": {
    "kind": "conv",  # two of them
    "channels": 64
  },
  "stages": [{"block": "basic", "branches": 2}, {"branches": 3, }],
  "head": {"kind": "classification", "classes": 1000},
}
"""
SHARED = """\
width: 18
stages:
  - &first {block: basic, branches: 1, blocks: &four 4}
  - *first   # the same
  - {block: basic, branches: 3, blocks: *four}
head: classification
"""
TEXTS = {**CATALOGUE, "block": BLOCK, "flow": FLOW, "shared": SHARED}


def data_of(text: str) -> Any:
    return parse(text, "").plain()


def comments_of(text: str) -> list[str]:
    """The comments, found between the tokens."""
    found, at = [], 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        found += re.findall(r"#[^\r\n]*", text[at : token.start_mark.index])
        at = max(at, token.end_mark.index)
    return [comment.rstrip() for comment in found]


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A text of the catalogue or one in another style, with comments and line ends of its own."""
    lines = draw(st.sampled_from(list(TEXTS.values()))).splitlines()
    for at in draw(st.lists(st.integers(0, len(lines)), max_size=4)):
        comment = (
            f"{' ' * draw(st.integers(0, 6))}# {draw(st.sampled_from(['x', '{a: 1}', '😀 - b']))}"
        )
        lines.insert(at, draw(st.sampled_from([comment, ""])))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return end.join(lines) + draw(st.sampled_from([end, ""]))
