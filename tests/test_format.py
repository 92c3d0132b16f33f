"""`format_text` lays a spec's text out evenly: same data, same comments, and once is enough."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spec_texts import BLOCK, CATALOGUE, FLOW, comments_of, data_of, texts

from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.language.layout import format_text


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_is_laid_out_already(name: str) -> None:
    assert format_text(CATALOGUE[name]) == CATALOGUE[name]


SCALARS = st.integers(0, 9) | st.sampled_from(
    ["a", "'b # c'", '"d: e"', "é", "*x", "a\n{}b", "|\n{}f g\n{}  h", '"i\n\n{}j"']
)


@st.composite
def written(draw: st.DrawFn, column: int = 0, depth: int = 0) -> str:
    """A block mapping at a column, unevenly indented and spaced, with comments and blank lines."""
    lines: list[str] = []
    pad = " " * column
    gap = st.sampled_from([" ", "  ", "   "])
    for number in range(draw(st.integers(1, 3))):
        lines += draw(
            st.sampled_from(
                [[], [""], ["", "", ""], [f"{draw(gap)}# c{number}"], [f"{pad}# d", ""]]
            )
        )
        key = f"{pad}k{number}{draw(st.sampled_from(['', ' ']))}:"
        kind = draw(
            st.sampled_from(["scalar", "flow", "mapping", "list"] if depth < 3 else ["scalar"])
        )
        comment = draw(st.sampled_from(["", " # e", "      # f"]))
        if kind == "mapping":
            inner = draw(written(column + draw(st.integers(1, 5)), depth + 1))
            lines += [f"{key}{comment}", inner]
        elif kind == "list":
            dash = column + draw(st.integers(0, 4))
            lines.append(f"{key}{comment}")
            for _ in range(draw(st.integers(1, 2))):
                after = draw(st.integers(1, 3))
                inner = draw(written(dash + 1 + after, depth + 1) | st.just("x"))
                while inner != "x" and not inner.split("\n")[0].strip().startswith("k"):
                    inner = inner.partition("\n")[2]
                lines.append(" " * dash + "-" + " " * after + inner.lstrip(" "))
        elif kind == "flow":
            a, b = draw(gap), draw(st.sampled_from(["", "\n" + pad + "   ", "  # g\n" + pad + " "]))
            lines.append(f'{key} {{{a}a{a}:{a}[1{a},{b} 2],{b}"b":{a}{{}} , {b}}}')
        else:
            value = str(draw(SCALARS)).replace("{}", pad + "  ").replace("*x", "x")
            lines.append(f"{key} {value}{'' if chr(10) in value else comment}")
    return "\n".join(lines)


@settings(max_examples=120, deadline=None)
@given(texts() | written(), st.sampled_from(["\n", "\r\n"]))
def test_a_laid_out_text_says_the_same_with_the_same_comments(text: str, end: str) -> None:
    text = f"{text}\n".replace("\r\n", "\n").replace("\n", end)
    data: Any = data_of(text)
    laid = format_text(text)
    assert data_of(laid) == data
    assert comments_of(laid) == comments_of(text)
    assert format_text(laid) == laid
    assert laid.endswith(end)
    assert not laid.endswith(end * 2)
    assert end * 3 not in laid or "|" in laid or '"' in laid


def test_a_text_is_laid_out_evenly() -> None:
    assert (
        format_text(BLOCK.replace(": 64", " :    64 "))
        == """\
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
    )
    assert format_text(FLOW) == FLOW.replace("3, }", "3,}")


@pytest.mark.parametrize("text", ["", "a: [1", "a: 1\n---\nb: 2\n", "- 1\n", "a: 1\na: 2\n"])
def test_what_is_no_spec_is_not_laid_out(text: str) -> None:
    with pytest.raises(HRNetGraphError):
        format_text(text)
