"""However a spec is mangled, it is a network or a clear message, and never a traceback."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from strategies import specs

import hrnet_graph as hg
from hrnet_graph.spec.catalogue import find
from hrnet_graph.spec.load import read_override

fuzz = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

TEXT = find("hrnet_w18_small_v1_cls").read_text() + find("hrnet_w32_cls").read_text()
TOKENS = ["{", "}", "[", "]", ":", ",", "-", "\n", "  ", "\t", "#", "&a ", "*a", "!!x ", "'", '"', "|",
          "? ", "---\n", "%", "\0", "\u202e", "\ud7ff", "1e400", "-1", ".nan", "null", "on", "<<: ",
          "kind", "branches: 0", "9" * 30, "extends: hrnet_w32_cls\n"]  # fmt: skip


def build_or_complain(read: Any) -> None:
    """Runs what reads a spec; whatever is wrong must be said as a `SpecError`, line by line."""
    try:
        hg.build_graph(read())
    except hg.SpecError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.message
            assert "\n" not in problem.message
            assert len(str(problem)) < 2_000


def mangle(edits: list[tuple[float, int, str]]) -> str:
    """A good text with tokens written into it, each over some characters."""
    text = TEXT[: TEXT.index("published")]
    for where, cut, token in edits:
        at = int(where * len(text))
        text = text[:at] + token + text[at + cut :]
    return text


@fuzz
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), st.sampled_from(TOKENS)), max_size=4)
)
def test_mangled_yaml(edits: list[tuple[float, int, str]]) -> None:
    text = mangle(edits)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "my.yaml"
        path.write_text(text, encoding="utf-8")
        build_or_complain(lambda: path)


@fuzz
@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbfwidth: 3")
@example(b"[" * 5000)
@example(b"{" * 5000)
@example(b"- " * 5000)
@example(b"a: &a [*a]")
@example(b"\x00\xff\xfe")
def test_any_bytes(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "my.yaml"
        path.write_bytes(data)
        build_or_complain(lambda: path)


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 10)
    | st.sampled_from([65_536, 65_537, 2**70, -(2**70)])
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["basic", "bottleneck", "sum", "nearest", "bilinear", "heatmap", "features"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)


@fuzz
@given(specs(max_stages=3), st.data())
def test_mangled_specs(spec: dict[str, Any], data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        _mangle(spec, data)
    build_or_complain(lambda: spec)


def _mangle(spec: Any, data: st.DataObject) -> None:
    """Replaces, removes or adds one value somewhere inside."""
    inside = [spec]
    for part in inside:
        children = part.values() if isinstance(part, dict) else part
        inside += [child for child in children if isinstance(child, dict | list)]
    part = data.draw(st.sampled_from(inside))
    keys = list(part) if isinstance(part, dict) else list(range(len(part)))
    if isinstance(part, dict):
        keys.append(data.draw(st.text(max_size=6)))
    if keys:
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()) and (isinstance(part, list) or key in part):
            del part[key]
        else:
            part[key] = data.draw(values)


@fuzz
@given(st.text(max_size=30) | st.tuples(st.sampled_from(["width", "stages.1.block", "head.kind", "input.1",
       "fuse", "norm.kind", "name", "stages"]), st.text(max_size=10)).map("=".join))  # fmt: skip
def test_any_override(text: str) -> None:
    from hrnet_graph.spec.load import load_with

    build_or_complain(lambda: load_with("hrnet_w18_small_v1_cls", [read_override(text)]))


def check_and_look(text: str) -> None:
    """Checks a text: nothing is raised, and what is said is so of the text."""
    found = hg.check(text)
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    whole = found.spec is not None and found.graph is not None and not found.stopped
    assert whole or found.problems
    assert (found.report is not None) is whole
    for problem in found.problems:
        assert problem.message
        mark = problem.mark
        if mark.line is not None and mark.file == "spec":
            start, end = (mark.line, mark.column), (mark.end_line, mark.end_column)
            assert start <= end
            for line, column in (start, end):
                assert line
                assert column
                assert column <= len(lines[line - 1]) + 1


@fuzz
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), st.sampled_from(TOKENS)), max_size=4)
)
def test_checking_mangled_yaml(edits: list[tuple[float, int, str]]) -> None:
    check_and_look(mangle(edits))


@fuzz
@given(st.text(max_size=200) | st.text("{}[]:,-\n\r\t #&*!|>?'\"\x85\u2028ab1", max_size=60))
@example("\ufeffwidth: 3")
@example("\ud800")
@example("a:\u2028  - b\r\nwidth: x")
@example("width: |\n  a\n\n\n")
def test_checking_any_text(text: str) -> None:
    check_and_look(text)
