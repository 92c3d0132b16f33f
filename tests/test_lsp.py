"""`hrnet-graph lsp` over standard input and output, driven by a client as an editor does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from absent import run_without
from lsp_client import Editor, edited
from lsprotocol import types
from pygls.exceptions import JsonRpcException

import hrnet_graph as hg
from hrnet_graph.analysis.numbers import cost_lines
from hrnet_graph.spec.catalogue import folder


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    desk = Editor(tmp_path_factory.mktemp("specs"))
    yield desk
    assert desk.quit() == 0


def text_of(name: str) -> str:
    return (folder() / f"{name}.yaml").read_text()


def spans(found: list[types.Diagnostic]) -> list[str]:
    return [str(each.range) for each in found]


@pytest.mark.parametrize("name", ["hrnet_w32_cls", "hrnetv2_w48_ocr_lip", "higherhrnet_w32_512"])
def test_a_network_of_the_catalogue_has_no_problems(editor: Editor, name: str) -> None:
    assert editor.open(text_of(name), f"{name}.yaml") == []


@pytest.mark.parametrize(
    ("text", "span", "words", "severity"),
    [
        ("extends: hrnet_w32_clx\n", "0:9-0:22", "did you mean 'hrnet_w32_cls'", 1),
        ("extends: hrnet_w32_cls  # 😀\nwidht: 40\n", "1:0-1:5", "did you mean 'width'", 1),
        ('extends: hrnet_w32_cls\nhead: {"😀": 2, clases: 3}\n', "1:16-1:22", "did you mean", 1),
        ("extends: hrnet_w32_cls\ninput: [3, 250, 192]\n", "1:7-1:20", "use 256x192", 1),
        ("extends: hrnet_w32_cls\nwidth: [\n", "2:0-2:0", "not YAML", 1),
        ("extends: hrnet_w32_cls\nhead: {kind: heatmap, joints: 2}\n", "1:", "reaches no output", 2),
    ],
)  # fmt: skip
def test_a_problem_is_told_at_its_place(
    editor: Editor, text: str, span: str, words: str, severity: int
) -> None:
    found = editor.open(text)
    assert any(at.startswith(span) for at in spans(found))
    assert any(words in each.message and each.severity == severity for each in found)
    assert {each.source for each in found} == {"hrnet-graph"}


def test_a_problem_of_the_spec_below_is_told_where_that_is_named(editor: Editor) -> None:
    (editor.folder / "below.yaml").write_text("extends: hrnet_w32_cls\nwidth: no\n")
    (found,) = editor.open("width: 40\nextends: ./below.yaml\nhead: {classes: x}\n", "above.yaml")[
        :1
    ]
    assert str(found.range) == "1:9-1:21" or "head" in found.message
    (editor.folder / "below.yaml").write_text("extends: hrnet_w32_cls\nwidth: 18\n")
    document = editor.document("above.yaml")
    editor.client.text_document_did_save(types.DidSaveTextDocumentParams(document))
    assert [d.message[:4] for d in editor.problems("above.yaml", 1)] == ["head"]


def test_the_newest_text_alone_is_told(editor: Editor) -> None:
    editor.open("extends: hrnet_w32_cls\n")
    for version in range(2, 30):
        editor.change(f"extends: hrnet_w32_cls\nwidht: {version}\n", version)
    editor.change("extends: hrnet_w32_cls\nwidth: 18\n", 30)
    assert editor.problems("mine.yaml", 30) == []
    assert editor.hears_no_more("mine.yaml")


def test_a_question_about_a_text_that_changes_meanwhile_is_answered(editor: Editor) -> None:
    editor.open(text_of("hrnetv2_w48_ocr_lip"))

    async def ask() -> list[Any]:
        asked = []
        for version in range(2, 12):
            editor.change(f"extends: hrnet_w32_cls\nwidth: {version}\n", version)
            params = types.CodeLensParams(editor.document())
            asked.append(editor.client.text_document_code_lens_async(params))
        return await asyncio.gather(*asked, return_exceptions=True)

    *older, newest = editor.wait(ask())
    assert all(isinstance(each, tuple | JsonRpcException) for each in older)
    report = hg.analyze(hg.build_graph(hg.load_spec("hrnet_w32_cls", {"width": 11})))
    assert newest[0].command.title == f"mine at 3x224x224: {', '.join(cost_lines(report.total))}"


def quick_fixes(editor: Editor, text: str, found: types.Diagnostic) -> dict[str, str]:
    """Title -> the text after the fix."""
    context = types.CodeActionContext([found])
    params = types.CodeActionParams(editor.document(), found.range, context)
    actions: Any = editor.wait(editor.client.text_document_code_action_async(params))
    fixes = {}
    for action in actions:
        (change,) = action.edit.document_changes
        assert change.text_document.version == 1
        assert action.kind == types.CodeActionKind.QuickFix
        fixes[action.title] = edited(text, change.edits)
    return fixes


@pytest.mark.parametrize(
    ("text", "title", "mended"),
    [
        ("extends: hrnet_w32_clx  # 😀\n", "set extends: hrnet_w32_cls", "extends: hrnet_w32_cls  # 😀\n"),
        ("extends: hrnet_w32_cls\nwidht: 40 # 😀\n", "rename widht to width", "extends: hrnet_w32_cls\nwidth: 40 # 😀\n"),
        ("extends: hrnet_w32_cls # 😀\ninput: [3, 250, 192]\n", "set fuse.upsample: bilinear",
         "extends: hrnet_w32_cls # 😀\ninput: [3, 250, 192]\nfuse: {upsample: bilinear}\n"),
    ],
)  # fmt: skip
def test_a_quick_fix_mends_the_text(editor: Editor, text: str, title: str, mended: str) -> None:
    found = editor.open(text)
    assert quick_fixes(editor, text, found[0])[title] == mended
    assert not hg.check(mended).problems


def test_a_hover_tells_the_meaning_and_what_a_stage_costs(editor: Editor) -> None:
    editor.open("# 😀\nextends: hrnet_w32_cls\nstages: {2: {modules: 2}}\n")
    params = types.HoverParams(**editor.at(2, 15))
    found: Any = editor.wait(editor.client.text_document_hover_async(params))
    assert "**modules**" in found.contents.value
    assert "hrnet_w32_cls.yaml:7" in found.contents.value
    assert (
        "stage 3: 32x56x56, 64x28x28, 128x14x14 | 3.41 M params, 1.48 GMACs" in found.contents.value
    )
    assert str(found.range) == "2:13-2:20"


def test_completion_offers_the_catalogue_and_kinds(editor: Editor) -> None:
    def offered(text: str, line: int, column: int) -> dict[str, Any]:
        editor.open(text)
        params = types.CompletionParams(**editor.at(line, column))
        items: Any = editor.wait(editor.client.text_document_completion_async(params))
        return {item.label: item for item in items}

    found = offered("# 😀\nextends: hrnet_w4\n", 1, 17)
    assert "hrnet_w48_cls" in found
    assert "hrnet_w32_cls" not in found
    assert str(found["hrnet_w48_cls"].text_edit.range) == "1:9-1:17"
    assert {"ocr", "heatmap"} <= offered(
        'extends: hrnet_w32_cls\nhead: {"😀": 1, kind: }\n', 1, 22
    ).keys()
    assert {"extends", "stages"} <= offered("", 0, 0).keys()


def test_the_definition_of_a_base_is_its_file(editor: Editor) -> None:
    editor.open(text_of("hrnet_w48_cls"))
    params = types.DefinitionParams(**editor.at(0, 12))
    found: Any = editor.wait(editor.client.text_document_definition_async(params))
    assert found.uri == (folder() / "hrnet_w32_cls.yaml").as_uri()


def test_the_outline_has_the_stages(editor: Editor) -> None:
    editor.open(text_of("hrnet_w32_cls"))
    params = types.DocumentSymbolParams(editor.document())
    found: Any = editor.wait(editor.client.text_document_document_symbol_async(params))
    stages = next(each for each in found if each.name == "stages")
    assert [each.name for each in stages.children] == [f"stage {n}" for n in (1, 2, 3, 4)]
    assert stages.children[1].range.start.line == 5


def test_lenses_tell_the_cost_of_each_stage(editor: Editor) -> None:
    editor.open(text_of("hrnet_w32_cls"))
    params = types.CodeLensParams(editor.document())
    found: Any = editor.wait(editor.client.text_document_code_lens_async(params))
    lines = [(lens.range.start.line, lens.command.title) for lens in found]
    assert [line for line, _ in lines] == [0, 4, 5, 6, 7]
    assert lines[0][1] == "mine at 3x224x224: 41.2 M params, 8.92 GMACs"
    assert lines[3][1].startswith("stage 3: 32x56x56, 64x28x28, 128x14x14 | 6.82 M params")


def test_formatting_keeps_comments(editor: Editor) -> None:
    text = "extends:  hrnet_w32_cls # 😀\n\n\n\nhead:\n    classes :   3    # ß 😀 \n"
    editor.open(text)
    options = types.FormattingOptions(tab_size=2, insert_spaces=True)
    params = types.DocumentFormattingParams(editor.document(), options)
    found = editor.wait(editor.client.text_document_formatting_async(params))
    assert edited(text, found) == (
        "extends: hrnet_w32_cls  # 😀\n\nhead:\n  classes: 3    # ß 😀\n"
    )
    editor.open(text_of("hrnetv2_w48_ocr_lip"))
    assert editor.wait(editor.client.text_document_formatting_async(params)) in ((), None)


COMPOSE = "services:\n  web:\n    extends: base\n    image: x\n"
PIPELINE = "stages:\n  - build\n  - test\nbuild-job:\n  stage: build\n  script: make\n"


@pytest.mark.parametrize("text", [COMPOSE, PIPELINE, "a: [1\n", "- 1\n"])
def test_another_tools_yaml_is_left_alone(editor: Editor, text: str) -> None:
    assert editor.open(text, "docker-compose.yml") == []
    place = editor.at(0, 3, "docker-compose.yml")
    assert not editor.wait(
        editor.client.text_document_completion_async(types.CompletionParams(**place))
    )
    assert editor.wait(editor.client.text_document_hover_async(types.HoverParams(**place))) is None


def test_a_text_of_50_megabytes_is_told_and_nothing_hangs(editor: Editor) -> None:
    start = time.monotonic()
    (found,) = editor.open("extends: hrnet_w32_cls\n" + "# x\n" * 12_500_000)
    assert "at most 65536 bytes" in found.message
    params = types.HoverParams(**editor.at(0, 3))
    assert editor.wait(editor.client.text_document_hover_async(params)) is None
    assert editor.open("extends: hrnet_w32_cls\n") == []
    assert time.monotonic() - start < 30


def test_a_request_that_fails_ends_nothing(editor: Editor) -> None:
    params = types.HoverParams(**editor.at(0, 0, "there/is/none.yaml"))
    with pytest.raises(JsonRpcException):
        editor.wait(editor.client.text_document_hover_async(params))
    assert len(editor.open("extends: hrnet_w32_cls\nwidht: 2\n")) == 1


def test_an_editor_may_count_in_bytes(tmp_path: Path) -> None:
    encodings = [types.PositionEncodingKind.Utf8, types.PositionEncodingKind.Utf16]
    desk = Editor(tmp_path, position_encodings=encodings)
    assert desk.started.capabilities.position_encoding == "utf-8"
    text = 'extends: hrnet_w32_cls\nhead: {"😀": 2, clases: 3}\n'
    assert "1:18-1:24" in spans(desk.open(text))
    assert desk.quit() == 0


def test_without_pygls_the_command_says_how_to_install_it(tmp_path: Path) -> None:
    done = run_without({"pygls"}, tmp_path / "hook", ["-m", "hrnet_graph", "lsp"], tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "error: lsp needs pygls\n  pip install 'hrnet-graph[lsp]'\n"
