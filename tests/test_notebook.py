"""Specs, graphs and modules show themselves in a notebook."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hostile import NAMES, hostile_graph
from PIL import Image
from small import SMALL

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


def test_a_report_shows_its_table() -> None:
    report = hg.analyze(hg.build_graph(NAME))
    shown = report._repr_html_()
    table = ElementTree.fromstring(shown).find("table")
    assert table is not None
    heading, *rows = ([cell.text or "" for cell in row] for row in table)
    assert heading == ["", "params", "MACs", "FLOPs", "operations", "activations", "layers"]
    costs = {**report.by("stage"), "total": report.total}
    assert [row[0] for row in rows] == [*costs]
    for name, *numbers in rows:
        assert [int(n.replace(",", "")) for n in numbers] == [*costs[name].as_dict().values()]
    assert f"{NAME}, 3×224×224" in shown
    assert (
        repr(report)
        == f"Report({NAME} at 3x224x224: {report.params:,} params, {report.macs:,} MACs)"
    )


def test_a_report_of_weights_shows_its_summary(tmp_path: Path) -> None:
    model = hg.build_module(SMALL)
    hg.save(model, tmp_path / "a&b.pt")
    report = hg.load_weights(model, tmp_path / "a&b.pt")
    shown = report._repr_html_()
    text = ElementTree.fromstring(shown).text
    assert text == str(report) == repr(report)
    assert f"{len(model.state_dict())} loaded" in text
    assert "a&amp;b.pt" in shown


@pytest.mark.parametrize("size", [(90, 60), (3000, 40), (64, 2000)])
def test_a_prediction_shows_its_picture(size: tuple[int, int], tmp_path: Path) -> None:
    weights = tmp_path / "<script>.pt"
    hg.save(hg.build_module(SMALL), weights)
    prediction = hg.predict(hg.load_spec(SMALL), Image.new("RGB", size), weights=weights)
    shown = prediction._repr_html_()
    source = re.search(r'<img src="data:image/png;base64,([^"]+)"', shown)
    assert source is not None
    picture = Image.open(io.BytesIO(b64decode(source[1])))
    assert max(picture.size) <= 1024
    if max(prediction.picture.size) <= 1024:
        assert picture.tobytes() == prediction.picture.tobytes()
    assert '&lt;script&gt;.pt" style=' in shown
    assert "<script" not in shown
    assert "Scored(index=" in repr(prediction)
    assert len(repr(prediction)) < 1000


def test_ipython_displays_them_and_falls_back_to_text(tmp_path: Path) -> None:
    formatters = pytest.importorskip("IPython.core.formatters", reason="needs the extra test")
    show = formatters.DisplayFormatter().format
    graph = hg.build_graph(SMALL)
    model = hg.build_module(SMALL)
    hg.save(model, tmp_path / "net.pt")
    values: dict[str, Any] = {
        "Report(small at 3x64x64: ": hg.analyze(graph),
        f"{tmp_path / 'net.pt'}: official": hg.load_weights(model, tmp_path / "net.pt"),
        "Prediction(name='small', weights='random weights', ": hg.predict(
            hg.load_spec(SMALL), Image.new("RGB", (64, 64))
        ),
        "Graph(small, input 3x64x64, ": graph,
    }
    for text, value in values.items():
        data, _ = show(value)
        assert data["text/html"] == value._repr_html_()
        assert data["text/plain"].startswith(text)
        assert len(data["text/plain"]) < 1000


def test_hostile_names_are_text() -> None:
    shown = hostile_graph(NAMES[2:6])._repr_html_()
    assert NAMES[2] not in shown
    assert "&gt;&lt;/style&gt;" in shown
    tags = re.findall(r"<(\w+)", shown)
    assert set(tags) <= {"div", "strong", "table", "tr", "th", "td", "img"}
    assert not re.search(r"<img(?! src=\"data:image/svg)", shown)
