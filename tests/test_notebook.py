"""Specs, graphs and modules show themselves in a notebook."""

from __future__ import annotations

import re
import subprocess
import sys
from base64 import b64decode
from xml.etree import ElementTree

import pytest
from hostile import NAMES, hostile_graph

import hrnet_graph as hg
from hrnet_graph.errors import FileError

NAME = "hrnet_w18_small_v1_cls"


def test_spec_graph_and_module_show_the_same() -> None:
    spec = hg.load_spec(NAME)
    shown = spec._repr_html_()
    assert hg.build_graph(spec)._repr_html_() == shown
    assert hg.build_module(spec)._repr_html_() == shown
    report = hg.analyze(hg.build_graph(spec))
    for fact in (NAME, "3×224×224", "out: 1000", f"{report.params:,}", f"{report.macs:,}"):
        assert fact in shown
    assert "<script" not in shown
    image = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', shown)
    assert image is not None
    figure = ElementTree.fromstring(b64decode(image[1]))
    assert figure.tag == "{http://www.w3.org/2000/svg}svg"
    assert "stage2" in "".join(figure.itertext())


def test_a_spec_is_shown_without_torch() -> None:
    code = (
        "import sys, hrnet_graph as hg; hg.load_spec('hrnetv2p_w18')._repr_html_();"
        "print('torch' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"


def test_a_spec_that_makes_no_network_shows_why() -> None:
    spec = hg.load_spec(NAME).model_copy(update={"input": (3, 250, 192)})
    assert "250x192 does not fit" in spec._repr_html_()
    assert spec._repr_html_().startswith("<pre>")


def test_what_cannot_be_drawn_still_shows_its_totals(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise FileError("no pen")

    monkeypatch.setattr("hrnet_graph.viz.notebook.to_svg", fails)
    shown = hg.build_graph(NAME)._repr_html_()
    assert "<img" not in shown
    assert shown.endswith("</table></div>")


def test_hostile_names_are_text() -> None:
    shown = hostile_graph(NAMES[2:6])._repr_html_()
    assert NAMES[2] not in shown
    assert "&gt;&lt;/style&gt;" in shown
    tags = re.findall(r"<(\w+)", shown)
    assert set(tags) <= {"div", "strong", "table", "tr", "th", "td", "img"}
    assert not re.search(r"<img(?! src=\"data:image/svg)", shown)
