"""The gallery's page is up to date, and shows every network under its task."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import hrnet_graph as hg
from hrnet_graph.rules.registry import rules
from hrnet_graph.spec.catalogue import TASKS

DOCS = Path(__file__).parents[1] / "docs"


def script() -> Any:
    """`docs/gallery.py` as a module."""
    found = spec_from_file_location("gallery", DOCS / "gallery.py")
    assert found is not None
    assert found.loader is not None
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date() -> None:
    assert script().page() == (DOCS / "gallery.md").read_text(), "run `make gallery`"


def test_every_network_stands_under_its_task() -> None:
    text = script().page()
    sections = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", text, re.MULTILINE))
    tasks = [task.capitalize() for task in dict.fromkeys(TASKS.values())]
    kinds = {TASKS[hg.load_spec(name).head.kind].capitalize() for name in hg.list_specs()}
    assert list(sections) == [task for task in tasks if task in kinds]
    for task, section in sections.items():
        names = re.findall(r"^### (.+)$", section, re.MULTILINE)
        assert names == sorted(names)
        for name in names:
            assert TASKS[hg.load_spec(name).head.kind].capitalize() == task
    drawn = sorted(path.stem for path in (DOCS / "gallery").glob("*.svg"))
    assert drawn == sorted(hg.list_specs()), "run `make gallery`"
    for pattern in (r"^### (.+)$", r"\(gallery/(.+)\.svg\)"):
        assert sorted(re.findall(pattern, text, re.MULTILINE)) == drawn
    anchors = {f"#{task.lower().replace(' ', '-')}" for task in sections}
    assert set(re.findall(r"\]\((#.+?)\)", text)) == anchors


def test_every_head_of_ours_has_a_task() -> None:
    assert list(TASKS.keys() ^ rules("head").keys()) == []
