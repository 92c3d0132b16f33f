"""The docs say what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import hrnet_graph as hg
from hrnet_graph.spec.load import RENAMED
from hrnet_graph.spec.source import parse

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("function", "page"),
    [
        ("reference", "spec.md"),
        ("figures", "published.md"),
        ("variants", "variants.md"),
        ("api", "api.md"),
        ("decisions", "adr/README.md"),
    ],
)
def test_generated_pages_are_up_to_date(function: str, page: str) -> None:
    code = f"import sys; sys.path.insert(0, 'docs'); import generate; print(generate.{function}(), end='')"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout == (ROOT / "docs" / page).read_text(), "run `make docs`"


def test_drawings_of_rules_are_up_to_date(tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, 'docs'); import rules; rules.draw_all(rules.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, check=True)
    kept = {path.name: path.read_text() for path in (ROOT / "docs" / "rules").iterdir()}
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == kept, "run `make docs`"


PAGES = sorted(
    path.relative_to(ROOT)
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")]
)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if not target.startswith(("http://", "https://")):
            assert (ROOT / page.parent / target).exists(), target


def test_the_changelog_has_a_section_for_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert sections[0] == "Unreleased"
    assert hg.__version__ in sections
    for old, new in RENAMED.items():
        assert f"`{old}`" in text
        assert f"`{new}`" in text


def test_the_citation_names_this_project() -> None:
    citation: Any = parse((ROOT / "CITATION.cff").read_text(), "CITATION.cff").plain()
    assert citation["title"] == "hrnet-graph"
    assert citation["license"] == "MIT"
    assert {"cff-version", "message", "authors"} <= citation.keys()


def test_demo_runs(tmp_path: Path) -> None:
    command = [sys.executable, "examples/demo.py", "hrnet_w18_small_v1_cls", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "published cost: 1.49 MACs / 2^30; counted: 1.49" in result.stdout
    assert "with random weights" in result.stdout
    assert {path.suffix for path in tmp_path.iterdir()} == {".png", ".svg"}
