"""The HTML page to the eye and the ear: widths, colours, themes, paper; skipped without Chromium."""

from __future__ import annotations

from fractions import Fraction

import pytest
from browser import Viewer, needs_browser
from selenium.webdriver.common.by import By

import hrnet_graph as hg
from hrnet_graph.ir.hierarchy import collapse
from hrnet_graph.viz.theme import RESOLUTIONS, line_of, number_of

pytestmark = needs_browser

WIDTHS = (360, 800, 1440)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_works_at_every_width(viewer: Viewer, w32: hg.Graph, width: int) -> None:
    viewer.open(w32, width=width)
    page, graph = viewer.run(
        "return [document.documentElement.scrollWidth,"
        " document.querySelector('#graph').getBoundingClientRect().height]"
    )
    assert page <= width
    assert graph > 300
    for control in viewer.driver.find_elements(
        By.CSS_SELECTOR, "header :is(button, select, input)"
    ):
        place = control.rect
        assert place["x"] >= 0
        assert place["x"] + place["width"] <= width
    viewer.click("@stem")
    assert "@stem.conv1" in viewer.boxes()
    viewer.depth("module")
    assert "stage3.1" in viewer.run(
        "document.querySelector('#fit').click();"
        "return [...document.querySelectorAll('.node')].map(e => e.dataset.path)"
    )


@pytest.mark.parametrize("width", [390, *WIDTHS])
@pytest.mark.parametrize("name", ["hrnet_w32_cls", "hrnetv2_w48_ocr_cityscapes", "hrnetv2p_w18"])
def test_all_is_in_view_at_opening(viewer: Viewer, name: str, width: int) -> None:
    viewer.open(hg.build_graph(name), width=width)
    outside = viewer.run(
        "const all = document.querySelector('#graph').getBoundingClientRect();"
        "return [...document.querySelectorAll('.node')].filter(node => {"
        "  const at = node.getBoundingClientRect();"
        "  return at.left < all.left || at.right > all.right || at.top < all.top"
        "    || at.bottom > all.bottom; }).map(node => node.dataset.path)"
    )
    assert outside == []
    graph = hg.build_graph(name)
    assert len(viewer.boxes()) == len(collapse(graph, "stage").boxes) + len(graph.outputs)


def test_every_box_has_a_name_to_be_read_out(viewer: Viewer, w32: hg.Graph) -> None:
    viewer.open(w32)
    name = viewer.find('[data-path="stage4"]').get_attribute("aria-label")
    assert name.startswith("stage4, stage, 32×56×56, 64×28×28, 128×14×14, 256×7×7, 21.2 M params")
    unnamed = viewer.run(
        "return [...document.querySelectorAll('button, select, input, [role=button], aside')]"
        ".filter(e => !(e.ariaLabel || e.textContent || e.labels?.length)).length"
    )
    assert unnamed == 0


def test_colour_by_cost_has_a_scale(viewer: Viewer, w32: hg.Graph) -> None:
    viewer.open(w32, address="#colour=macs")
    assert viewer.find("#legend").text.split() == ["0", "3.05", "GMACs"]
    fill = (
        "return getComputedStyle(document.querySelector(`[data-path='${arguments[0]}'] rect`)).fill"
    )
    fills = {path: viewer.run(fill, path) for path in ("stage4", "stage2", "input")}
    assert len(set(fills.values())) == 3
    viewer.run("const c = document.querySelector('#colour'); c.value = 'params';"
               "c.dispatchEvent(new Event('change'))")  # fmt: skip
    assert viewer.find("#legend").text.split() == ["0", "21.2", "M", "parameters"]


COLOURS = """
const style = (element, name) => getComputedStyle(element).getPropertyValue(name).trim();
const edges = [...document.querySelectorAll('.edge')];
return {
  boxes: Object.fromEntries([...document.querySelectorAll('.node')].map(node =>
    [node.dataset.path, style(node, '--hue')])),
  legend: Object.fromEntries([...document.querySelectorAll('.entry')].map(entry =>
    [entry.textContent, style(entry.querySelector('.swatch'), '--hue')])),
  edges: Object.fromEntries(edges.map(edge => [edge.dataset.tensor, style(edge, 'stroke')])),
};
"""


def test_one_colour_is_one_resolution_as_in_figures(viewer: Viewer, w32: hg.Graph) -> None:
    viewer.open(w32)
    found = viewer.run(COLOURS)
    several = found["legend"].pop("several resolutions")
    stride = {"1": 1, "1/4": 4, "1/8": 8, "1/16": 16, "1/32": 32}
    assert found["legend"] == {
        name: RESOLUTIONS[number_of(Fraction(size))] for name, size in stride.items()
    }
    assert found["boxes"]["@stem"] == found["boxes"]["layer1"] == found["legend"]["1/4"]
    assert found["boxes"]["transition3"] == found["boxes"]["out"] == found["legend"]["1/32"]
    assert found["boxes"]["stage4"] == found["boxes"]["transition1"] == several
    line = line_of(number_of(Fraction(4)))
    rgb = ", ".join(str(int(line[i : i + 2], 16)) for i in (1, 3, 5))
    assert found["edges"]["@stem.act2"] == f"rgb({rgb})"


@pytest.mark.parametrize("colour", ["kind", "macs", "params", "memory"])
def test_colours_of_another_meaning_leave_edges_and_rows_without(
    viewer: Viewer, w32: hg.Graph, colour: str
) -> None:
    viewer.open(w32, address=f"#depth=op&colour={colour}")
    assert len(set(viewer.run(COLOURS)["edges"].values())) == 1
    viewer.open(w32, address=f"#depth=block&colour={colour}")
    legend = viewer.run(COLOURS)["legend"]
    assert len(set(legend.values())) == len(legend)
    rows = viewer.run("return [...document.querySelectorAll('#graph .rows text')]"
                      ".map(text => getComputedStyle(text).fill)")  # fmt: skip
    assert len(set(rows)) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_follows_the_system_and_the_button(
    viewer: Viewer, w32: hg.Graph, scheme: str
) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    viewer.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    viewer.open(w32)

    def is_dark() -> bool:
        colour = viewer.run("return getComputedStyle(document.documentElement).backgroundColor")
        return "255" not in colour

    assert is_dark() == (scheme == "dark")
    viewer.find("#theme").click()
    assert is_dark() == (scheme == "light")
    viewer.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_paper_shows_the_whole_figure_without_the_tools(viewer: Viewer, w32: hg.Graph) -> None:
    viewer.open(w32, width=360)
    viewer.run("dispatchEvent(new Event('beforeprint'))")
    viewer.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert len(viewer.boxes()) == len(collapse(w32, "stage").boxes) + 1
    assert not viewer.find(".tools").is_displayed()
    assert viewer.find("#graph").get_dom_attribute("viewBox")
    viewer.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    viewer.run("dispatchEvent(new Event('afterprint'))")
    assert not viewer.find("#graph").get_dom_attribute("viewBox")
