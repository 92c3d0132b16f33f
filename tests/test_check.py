"""`hg.check`: whatever a person typed, one value says what is wrong and what can be made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from broken_specs import EDITS, GOOD

import hrnet_graph as hg
from hrnet_graph.errors import Fix
from hrnet_graph.spec.catalogue import find

W32 = "extends: hrnet_w32_cls\n"


def lines_of(found: hg.Check) -> str:
    return "\n".join(str(problem) for problem in found.problems)


@pytest.mark.parametrize(("old", "new", "message"), EDITS)
def test_it_says_what_building_says(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(GOOD.replace(old, new))
    found = hg.check(path.read_text(), path)
    assert lines_of(found).replace(f"{tmp_path}/", "") == message


@pytest.mark.parametrize("name", ["hrnet_w18_small_v1_cls", "hrnetv2p_w18", "higherhrnet_w32_512"])
def test_a_good_text_is_its_network(name: str) -> None:
    path = find(name)
    found = hg.check(path.read_text(), path)
    assert (found.problems, found.warnings, found.stopped) == ((), (), "")
    assert found.spec == hg.load_spec(name)
    assert found.graph == hg.build_graph(name)
    assert found.report is not None
    assert found.report.params == hg.analyze(hg.build_graph(name)).params


@pytest.mark.parametrize(
    "text",
    ["x" * 50_000_000, "\u20ac" * 40_000, "\0", "\ud800", "[" * 60_000, "- " * 30_000, "a: &a [*a]",
     "&a [*a, *a]", "!!python/object/apply:os.system [ls]", "%YAML 9.9\n---\na: 1",
     'extends: "\\0.yaml"', 'labels: "\\0.txt"', f"extends: {'a/' * 5000}b.yaml", "width: '" + "9" * 9000 + "'",
     "model: {type: EncoderDecoder}", "? x", "\t", "a: b: c", "<<: *x"],
    ids=lambda text: repr(text[:20]),
)  # fmt: skip
def test_nothing_that_is_typed_raises(text: str) -> None:
    found = hg.check(text)
    assert found.problems
    assert (found.spec, found.graph, found.report) == (None, None, None)
    assert len(lines_of(found)) < 2_000


def test_what_is_no_text_is_the_caller_s_mistake() -> None:
    call: Any = hg.check
    with pytest.raises(hg.HRNetGraphError, match="check: expected a str, got PosixPath"):
        call(Path("my.yaml"))


@pytest.mark.parametrize(
    ("text", "fixes"),
    [
        (W32 + "widht: 40", [Fix("widht", "width", "rename"), Fix("widht", None, "remove")]),
        (W32 + "width: 32\nwidht: 40", [Fix("widht", None, "remove")]),
        (W32 + "wi.dht: 40", []),
        ("extends: hrnet_w32_cl", [Fix("extends", "hrnet_w32_cls")]),
        ("extends: hrnet_w32_cls.yaml", [Fix("extends", "hrnet_w32_cls")]),
        (W32 + "input: [3, 230, 224]",
         [Fix("input", (3, 224, 224)), Fix("fuse.upsample", "bilinear")]),
        (W32 + "input: [3, 230, 224]\nfuse: {upsample: bilinear}\n"
         "stages: {2: {fuse: {upsample: nearest}}}",
         [Fix("input", (3, 224, 224)), Fix("stages.2.fuse.upsample", "bilinear")]),
        (W32 + "input: [3, 230, 224]\nstages: {2: {fuse: sum}, 3: {fuse: sum}}",
         [Fix("input", (3, 224, 224))]),
        (W32 + "input: [224, 224, 3]", [Fix("input", (3, 224, 224))]),
        (W32 + "activation: rely", [Fix("activation", "relu")]),
        (W32 + "fuse: {upsample: bilinaer}",
         [Fix("fuse.upsample", "bilinear")]),
        (W32 + "fuse: {upsample: bilinear, align_corners: off}",
         [Fix("fuse.align_corners", value=False)]),
        (W32 + "fuse: {align_corners: true}",
         [Fix("fuse.upsample", "bilinear"), Fix("fuse.align_corners", None, "remove")]),
        (W32 + "norm: {groups: 2}", [Fix("norm.kind", "group"), Fix("norm.groups", None, "remove")]),
        (W32 + "head: {kind: clasification, classes: 3}", [Fix("head.kind", "classification")]),
        (W32 + "width: 1e2", [Fix("width", 100)]),
        (W32 + "width: '1_000'", [Fix("width", 1000)]),
        (W32 + "stages: {1: {outputs: 9}}", [Fix("stages.1.outputs", 2)]),
        (W32 + "stages: {0: {modules: 2}}", [Fix("stages.0.modules", 1)]),
    ],
)  # fmt: skip
def test_fixes_are_values(text: str, fixes: list[Fix]) -> None:
    (problem,) = hg.check(text).problems
    assert problem.fixes == tuple(fixes)
    if "does not fit" in problem.message:
        for fix in fixes[1:]:
            assert problem.hint.endswith(f", or {fix.change}")
        assert problem.hint.count(" or ") == len(fixes) - 1


def test_a_value_that_a_fix_sets_mends_its_problem() -> None:
    tried = 0
    for old, new, _ in EDITS:
        text = GOOD.replace(old, new)
        for problem in hg.check(text).problems:
            for fix in problem.fixes:
                if fix.action == "set" and fix.key != "extends":
                    spec = _loaded(text, {fix.key: fix.value})
                    left = spec if isinstance(spec, tuple) else ()
                    assert problem.message not in {each.message for each in left}, fix.title
                    tried += 1
    assert tried > 12


def _loaded(text: str, changes: dict[str, object]) -> hg.Spec | tuple[Any, ...]:
    try:
        spec = hg.load_spec(text=text, overrides=changes)
        hg.build_graph(spec)
    except hg.SpecError as error:
        return error.problems
    return spec


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        (W32 + "width: -4  # why\n", "-4"),
        (W32 + "stem:\n  kind: cnov\nwidth: 32\n", "cnov"),
        (W32 + "fuse:\n  upsample: bilinear\n  algin: 3\n\n# end\n", "algin"),
        (W32 + "input: [3, 230,\n  224]  # size\n", "[3, 230,\n  224]"),
        (W32 + "norm:\n  kind: group  # c\n\n\nwidth: 32\n", "kind: group"),
        (W32 + "preprocess:\n  mean:\n    - 1\n    - 2  # two\n\nwidth: 32\n", "- 1\n    - 2"),
        (W32 + "name: |\n  a b\n\n\nwidth: 32\n", "|\n  a b"),
        (W32 + "name: 'a\u2028b'\nwidth: 32\n", "'a\u2028b'"),
        ("\ufeff" + "width: x\n" + W32, "x"),
        (W32 + "a: &a relu\nactivation: *a\n", "a"),
    ],
)
def test_a_mark_is_the_value_in_the_text(text: str, marked: str) -> None:
    mark = hg.check(text).problems[0].mark
    starts = [0]
    for line in text.removeprefix("\ufeff").split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    assert None not in (mark.line, mark.column, mark.end_line, mark.end_column)
    start = starts[(mark.line or 0) - 1] + (mark.column or 0) - 1
    end = starts[(mark.end_line or 0) - 1] + (mark.end_column or 0) - 1
    assert text.removeprefix("\ufeff")[start:end] == marked


def test_extends_is_found_beside_the_path(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(GOOD)
    text = "extends: base.yaml\nwidth: 8\n"
    found = hg.check(text, tmp_path / "new.yaml")
    assert found.problems == ()
    assert found.spec is not None
    assert (found.spec.name, found.spec.width) == ("new", 8)
    assert hg.check(text).problems[0].key == "extends"
    circle = hg.check("extends: base.yaml\n", tmp_path / "base.yaml")
    assert "extends itself" in lines_of(circle)


def test_load_spec_takes_a_text_or_a_spec() -> None:
    spec = hg.load_spec(text=W32 + "width: 40", overrides={"stages.2.modules": 2})
    assert (spec.width, spec.stages[2].modules) == (40, 2)
    call: Any = hg.load_spec
    for arguments in ({}, {"spec": "hrnet_w32_cls", "text": W32}):
        with pytest.raises(hg.HRNetGraphError, match="load_spec: expected a spec or `text`, got"):
            call(**arguments)


def test_what_nothing_reads_leaves_the_network_whole() -> None:
    found = hg.check(W32 + "fuse: {align_corners: true}")
    assert found.problems
    assert found.stopped == ""
    assert found.report is not None
    assert found.report.params == hg.analyze(hg.build_graph("hrnet_w32_cls")).params


def test_dead_parts_are_warnings() -> None:
    text = "extends: hrnetv2_w18\nhead: {kind: features, out_indices: [0]}\n"
    (warning,) = hg.check(text).warnings
    assert "reaches no output" in warning.message
    assert warning.fixes == (Fix("stages.3.outputs", 1),)
    assert hg.check(text + "stages: {3: {outputs: 1}}").warnings == ()


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n" * 9_000,
        "\n".join(f"k{i}: 1" for i in range(6_000)),
        f"{W32}palette: [{'x,' * 19_000}]\n",
        "stages:\n" + "- {blocks: x}\n" * 3_000,
    ],
    ids=["twice", "unknown", "one list", "stages"],
)
def test_of_many_problems_the_first_are_told(text: str) -> None:
    problems = hg.check(text).problems
    assert len(problems) == 101
    assert "more problems, which are not told" in problems[-1].message


def test_a_problem_as_json_has_its_words_and_its_values() -> None:
    (problem,) = hg.check(W32 + "widht: 40", "my.yaml").problems
    data = problem.as_dict()
    assert data["place"] == "my.yaml:2:1"
    assert data["mark"] == {
        "file": "my.yaml", "line": 2, "column": 1, "end_line": 2, "end_column": 6,
    }  # fmt: skip
    assert data["fixes"] == [
        {"title": "rename widht to width", "key": "widht", "value": "width", "action": "rename"},
        {"title": "remove widht", "key": "widht", "value": None, "action": "remove"},
    ]


def test_a_config_of_another_that_stands_in_no_file_has_to_be_saved_first() -> None:
    text = "MODEL: {NAME: x}\n"
    command = "`hrnet-graph import {} -o mine.yaml` makes a spec of it, where it can"
    assert hg.check(text, "a.yaml").problems[0].hint == command.format("a.yaml")
    assert hg.check(text).problems[0].hint == (
        f"save it as theirs.yaml: {command.format('theirs.yaml')}"
    )
