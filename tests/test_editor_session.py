"""What the editor's page is answered: the same numbers and figures as the commands give."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode
from typing import Any

import pytest

import hrnet_graph as hg
from hrnet_graph.analysis.difference import differing_values
from hrnet_graph.editor.panels import PANELS
from hrnet_graph.editor.session import answer
from hrnet_graph.spec.catalogue import find, list_specs
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.to_svg import to_svg

TEXT = "extends: hrnet_w18_cls\nwidth: 18  # kept\n"
SOME = ("hrnet_w18_cls", "hrnetv2_w48_ocr_cityscapes", "higherhrnet_w32_512", "hrnetv2p_w18")


def ask(**request: object) -> dict[str, Any]:
    """A reply, after the way through JSON that every one takes."""
    reply = json.loads(json.dumps(answer(json.loads(json.dumps(request)))))
    assert isinstance(reply, dict)
    return reply


def check(text: str, **more: object) -> dict[str, Any]:
    return ask(do="check", text=text, **{"panels": ["none"], **more})


def test_figure_and_counts_are_those_of_the_network() -> None:
    reply = check(TEXT, start="extends: hrnet_w32_cls", compare="hrnet_w48_cls")
    graph = hg.build_graph(hg.load_spec(text=TEXT))
    assert reply["figure"] == to_svg(lay_out(graph, look=Look(title=False)))
    named = {"now": graph.name, "start": "unnamed", "other": "hrnet_w48_cls"}
    assert {which: counts["name"] for which, counts in reply["counts"].items()} == named
    assert reply["counts"]["now"]["macs"] == hg.analyze(graph).macs
    assert reply["counts"]["start"]["params"] == 41232680
    assert reply["problems"] == []


def test_parts_have_the_facts_and_the_line_of_what_they_are() -> None:
    text = find("hrnet_w32_cls").read_text()
    parts = check(text)["parts"]
    report = hg.analyze(hg.build_graph("hrnet_w32_cls"))
    branch = parts["stage4.1.branches.2"]
    assert branch["shapes"] == ["128x14x14"]
    inside = [path for path in report.nodes if path.startswith("stage4.1.branches.2.")]
    assert branch["macs"] == sum(report.nodes[path].macs for path in inside)
    lines = {name: parts[name]["line"] for name in ("input", "@stem.conv1", "stage4.1.branches.2")}
    assert lines == {"input": 1, "@stem.conv1": 3, "stage4.1.branches.2": 8}
    assert parts["stage4.1.fuse_layers.0"]["key"] == ["fuse"]
    inherited = check(TEXT)["parts"]["stage4.1.branches.2"]
    assert (inherited["file"], inherited["line"]) == ("hrnet_w32_cls.yaml", 8)


def test_what_does_not_fit_is_drawn_up_to_where_it_does() -> None:
    reply = check(f"{TEXT}input: [3, 230, 224]")
    assert reply["counts"] is None
    assert reply["stopped"] == "stage3.0.fuse_layers.0"
    assert reply["end"] == ["stage3.0.fuse_layers.0"]
    assert reply["controls"]
    (problem,) = reply["problems"]
    assert (problem["here"], problem["mark"]["line"]) == (True, 3)
    assert problem["fixes"][0]["value"] == [3, 224, 224]


def test_what_is_no_spec_is_told_and_nothing_else() -> None:
    for text in ("", "width: [", "a: 1", "extends: nothing", "\0", "x" * 70_000, "&a [*a]"):
        reply = check(text)
        assert reply["problems"], text
        assert reply["figure"] is None


@pytest.mark.parametrize("name", SOME[:2])
def test_every_control_writes_its_value_and_no_other(name: str) -> None:
    text = find(name).read_text()
    before = hg.load_spec(text=text)
    controls = check(text)["controls"]
    assert {"width", "input.1"} <= {control["key"] for control in controls}
    for control in controls:
        key, value = control["key"], control["value"]
        others = [word for word in control["choices"] if word != value]
        if control["kind"] == "choice" and not others:
            continue
        wanted = others[0] if others else value + control["step"]
        changed = ask(do="set", text=text, key=key, value=wanted)["text"]
        found = check(changed, view="stage")
        if not found["controls"]:  # as of a kind that takes other options
            continue
        now = {each["key"]: each["value"] for each in found["controls"]}
        assert now[key] == wanted
        spec = hg.load_spec(text=changed)
        rows = differing_values(before.dump(), spec.dump())
        assert all(str(row["key"]).startswith(key.split(".")[0]) for row in rows), rows
        assert len(changed.splitlines()) - len(text.splitlines()) in (0, 1)


@pytest.mark.parametrize("name", SOME)
def test_a_stage_is_added_and_removed_again(name: str) -> None:
    text = find(name).read_text()
    more = ask(do="stage", text=text, what="add")["text"]
    stages = hg.load_spec(text=text).stages
    assert hg.load_spec(text=more).stages[:-1] == stages
    assert check(more)["controls"]
    less = ask(do="stage", text=more, what="remove")["text"]
    assert hg.load_spec(text=less).stages == stages


def test_every_table_is_there_or_says_why_not() -> None:
    found = check(TEXT, panels=None)["panels"]
    assert found.keys() == PANELS.keys()
    for table in found.values():
        keys = {column["key"] for column in table["columns"]}
        assert all(keys >= row.keys() - {"limit", "activations"} for row in table["rows"])
    wrong = check(TEXT, panels=["roofline"], device="v100", precision="bfloat16")["panels"]
    assert "v100 has no peak in bfloat16" in wrong["roofline"]["error"]


@pytest.mark.parametrize("kind", ["yaml", "svg", "png", "pdf", "py"])
def test_a_download_is_what_the_command_writes(kind: str) -> None:
    reply = ask(**{"do": "export", "as": kind, "text": TEXT, "path": "mine.yaml"})
    data = b64decode(reply["data"])
    assert reply["name"] == f"mine.{kind}"
    begins = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "py": b'"""', "yaml": b"extends"}
    assert data.startswith(begins[kind])


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({}, "do: expected text"),
        ({"do": "chekc"}, "did you mean 'check'"),
        ({"do": "check"}, "text: expected text"),
        ({"do": "check", "text": "x" * 300_000}, "at most 262144"),
        ({"do": "check", "text": TEXT, "view": "fig"}, "view: unknown 'fig'"),
        ({"do": "check", "text": TEXT, "expand": ["x"] * 999}, "expand: expected at most 200"),
        ({"do": "check", "text": TEXT, "fold": "yes"}, "fold: expected true or false"),
        ({"do": "check", "text": TEXT, "compare": "w48"}, "no network 'w48' in the catalogue"),
        ({"do": "complete", "text": TEXT, "line": 0, "column": 1}, "line: expected an integer"),
        ({"do": "set", "text": "width: [", "key": "width", "value": 1}, "not YAML"),
        ({"do": "stage", "text": "stages", "what": "add"}, "expected a mapping"),
        ({"do": "export", "text": "\ud800", "as": "yaml"}, "got half a character at 0"),
        ({"do": "export", "text": TEXT, "as": "exe"}, "as: unknown 'exe'"),
        ({"do": "export", "text": "width: 1", "as": "svg"}, "makes no network"),
        ({"do": "catalogue", "name": "../secret"}, "no spec named '../secret'"),
    ],
)
def test_what_cannot_be_answered_is_told_in_a_sentence(
    request_: dict[str, object], said: str
) -> None:
    assert said in ask(**request_)["error"]


def test_parts_that_went_with_the_text_are_no_error() -> None:
    reply = check(TEXT, expand=["stage9.0", "stage3.0"], only="stage7")
    assert (reply["expand"], reply["only"]) == (["stage3.0"], "")


def test_the_catalogue_is_there_to_be_opened_and_compared() -> None:
    assert ask(do="catalogue")["names"] == list(list_specs())
    assert "width: 48" in ask(do="catalogue", name="hrnet_w48_cls")["text"]


def test_it_needs_neither_torch_nor_numpy() -> None:
    code = f"""
import sys
for name in ("torch", "numpy", "networkx", "click"):
    sys.modules[name] = None
from hrnet_graph.editor.session import answer
reply = answer({{"do": "check", "text": {TEXT!r}}})
assert reply["figure"] and all("error" not in table for table in reply["panels"].values()), reply
assert "data" in answer({{"do": "export", "as": "svg", "text": {TEXT!r}}})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
