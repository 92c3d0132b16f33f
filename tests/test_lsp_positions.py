"""Columns in an editor's units, edits between texts, and which texts are specs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsp_client import edited
from spec_texts import CATALOGUE

from hrnet_graph.language.recognise import is_blank, is_spec
from hrnet_graph.lsp.positions import UNITS, Positions

TEXTS = st.text("ab: é😀\n\r", max_size=30)


@given(TEXTS, st.sampled_from(list(UNITS)))
def test_a_place_comes_back_from_an_editor_as_it_went(text: str, encoding: str) -> None:
    positions = Positions(text, encoding)
    for number, line in enumerate(
        positions.text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1
    ):
        for column in range(1, len(line) + 2):
            place = positions.theirs(number, column)
            assert positions.ours(place) == (number, column)
            assert place.line == number - 1
            assert place.character == UNITS[encoding](line[: column - 1])


@given(st.text("ab😀\n", max_size=20), st.text("ab😀\n", max_size=20))
def test_one_edit_makes_one_text_of_another(old: str, new: str) -> None:
    assert edited(old, [Positions(old).edit_to(new)]) == new


def test_an_edit_does_not_divide_a_line_break() -> None:
    edit = Positions("a\r\nb\r\n").edit_to("a\nb\n")
    assert str(edit.range) == "0:1-2:0"
    assert edit.new_text == "\nb\n"


FOREIGN = {
    "docker-compose.yml": "services:\n  web: {extends: base}\n",
    "gitlab.yml": "stages: [build, test]\nimage: x\n",
    "pipeline.yml": "stages:\n  - stage: A\n    jobs: []\n",
    "eslint.yml": "extends: eslint\nrules: {}\nenv: {}\n",
    ".eslintrc.yaml": "extends: standard\n",
    "workflow.yml": "name: CI\non: push\njobs: {}\n",
    "mkdocs.yml": "site_name: x\nnav: []\n",
    "empty.yml": "",
    "list.yml": "- 1\n",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_other_tools_texts_are_no_specs(name: str) -> None:
    assert not is_spec(FOREIGN[name], name)
    assert is_blank(FOREIGN[name]) == (name in ("empty.yml", "list.yml"))


@pytest.mark.parametrize(
    "text",
    [
        *CATALOGUE.values(),
        "# yaml-language-server: $schema=hrnet-graph.schema.json\nfoo: 1\n",
        "extends: hrnet_w32_cls\nwidht: 3\n",
        "widht: 3\nstages: [{block: basic",
        "extends: \n",
        "stages: {2: {modules: 2}}\n",
    ],
)
def test_specs_are_known_while_they_are_typed(text: str) -> None:
    assert is_spec(text, "mine.yaml")
