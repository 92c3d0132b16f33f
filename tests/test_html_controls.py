"""The HTML page by clicks and keys; skipped without Chromium."""

from __future__ import annotations

import pytest
from browser import Viewer, needs_browser
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

import hrnet_graph as hg
from hrnet_graph.ir.hierarchy import collapse

pytestmark = needs_browser


def test_boxes_open_from_stage_to_op_and_close_again(viewer: Viewer, w32: hg.Graph) -> None:
    viewer.open(w32)
    stages = [*collapse(w32, "stage").boxes, "out"]
    assert viewer.boxes() == stages
    last, area = viewer.find('[data-path="out"]').rect, viewer.find("#graph").rect
    assert last["x"] + last["width"] <= area["x"] + area["width"]
    viewer.click("stage2")
    assert "stage2.0" in viewer.boxes()
    assert "stage2" not in viewer.boxes()
    assert viewer.focused == "stage2.0"
    viewer.click("stage2.0")
    assert "stage2.0.branches.1.3" in viewer.boxes()
    viewer.click("stage2.0.fuse_layers.1")
    assert "stage2.0.fuse_layers.1.0.0.0" in viewer.boxes()
    assert "stage2.0.fuse_layers.1" in viewer.said
    viewer.click("stage2.0.fuse_layers.1.0.0.0")
    assert "18,432" in viewer.facts  # 64 x 32 x 3 x 3 parameters
    viewer.click("stage2.0.fuse_layers.1")
    assert "stage2.0.fuse_layers.1" in viewer.boxes()
    viewer.click("stage2")
    assert sorted(viewer.boxes()) == sorted(stages)


def test_search_opens_what_holds_the_key_and_shows_it(viewer: Viewer, w32: hg.Graph) -> None:
    viewer.open(w32)
    viewer.press("/")
    viewer.press("stage4.2.branches.3.1.BN2.running")
    assert viewer.said == ("2 found: stage4.2.branches.3.1.bn2.running_mean")
    viewer.press(Keys.ARROW_DOWN)
    assert viewer.find("#found [aria-selected=true]").text.startswith(
        "stage4.2.branches.3.1.bn2.running_var"
    )
    viewer.press(Keys.ENTER)
    assert viewer.focused == "stage4.2.branches.3.1.bn2"
    assert "stage4.2.branches.3.1.bn2.running_var" in viewer.facts
    box = viewer.find('[data-path="stage4.2.branches.3.1.bn2"]').rect
    area = viewer.find("#graph").rect
    assert area["x"] < box["x"] < area["x"] + area["width"]
    assert area["y"] < box["y"] < area["y"] + area["height"]
    viewer.press("/")
    viewer.press("nothing")
    assert viewer.said == "nothing found for nothing"
    assert viewer.find("#nothing").is_displayed()
    assert viewer.find("#nothing").text == "nothing found for nothing"


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("bottleneck block", "layer1.0"),
        ("stage3 fuse", "stage3.0.fuse_layers.0"),
        ("MODULE stage4", "stage4.0"),
        ("linear", "classifier"),
        ("256×7×7 relu", "transition3.3.0.2"),
        ("output", "out"),
    ],
)
def test_search_finds_words_too(viewer: Viewer, w32: hg.Graph, words: str, first: str) -> None:
    viewer.open(w32)
    viewer.run("const s = document.querySelector('#search'); s.value = arguments[0];"
               "s.focus(); s.dispatchEvent(new Event('input'))", words)  # fmt: skip
    assert viewer.find("#found li").text.split()[0].startswith(first)
    assert not viewer.find("#nothing").is_displayed()
    viewer.press(Keys.ENTER)
    assert first in viewer.focused.replace("@head.", "")


def test_the_keyboard_does_it_all(viewer: Viewer, w32: hg.Graph) -> None:
    viewer.open(w32)
    viewer.run("document.querySelector('#theme').focus()")
    viewer.press(Keys.TAB)
    viewer.press(Keys.TAB)
    assert viewer.focused == "@stem"
    viewer.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert viewer.focused == "stage2"
    assert f"{hg.analyze(w32).by('stage')['stage2'].params:,}" in viewer.facts
    viewer.press(Keys.ENTER)
    assert viewer.focused == "stage2.0"
    viewer.press(Keys.ENTER)
    assert viewer.focused == "stage2.0.branches.0.0"
    viewer.press(Keys.ARROW_DOWN)
    assert viewer.focused == "stage2.0.branches.1.0"
    viewer.press(Keys.ESCAPE)
    assert viewer.focused == "stage2.0"
    assert viewer.find('[data-path="stage2.0"]').get_attribute("aria-expanded") == "false"
    viewer.press(Keys.ESCAPE)
    assert viewer.focused == "stage2"

    def scale() -> float:
        return float(viewer.run("return document.querySelector('#graph > g').getCTM().a"))

    before = scale()
    viewer.press("+")
    assert scale() == pytest.approx(1.25 * before)
    viewer.press("-", "-")
    assert scale() == pytest.approx(before / 1.25)
    viewer.press("0")
    assert scale() == pytest.approx(before)


def test_looking_elsewhere_leaves_the_focus_where_it_is(viewer: Viewer, w32: hg.Graph) -> None:
    viewer.open(w32, address="#depth=block")
    viewer.run("document.querySelector('#theme').focus()")
    viewer.press(Keys.TAB, Keys.TAB)
    focused = viewer.focused
    assert focused

    def left() -> float:
        return float(viewer.run("return document.querySelector('#graph > g').getCTM().e"))

    before = left()
    ActionChains(viewer.driver).key_down(Keys.SHIFT).send_keys(*[Keys.ARROW_RIGHT] * 30).key_up(
        Keys.SHIFT
    ).perform()
    assert left() == pytest.approx(before - 30 * 80)
    assert viewer.focused == focused


def test_hover_tells_and_lights(viewer: Viewer, w32: hg.Graph) -> None:
    viewer.open(w32)
    box = viewer.find('[data-path="stage4"]')
    ActionChains(viewer.driver).move_to_element(box).perform()
    cost = hg.analyze(w32).by("stage")["stage4"]
    assert f"{cost.params:,}" in viewer.facts
    assert f"{cost.macs:,}" in viewer.facts
    assert "receptive field" in viewer.facts
    assert "memory" in viewer.facts
    assert viewer.run("return document.querySelectorAll('.edge.lit').length") == 8


def test_drag_moves_and_wheel_zooms(viewer: Viewer, w32: hg.Graph) -> None:
    viewer.open(w32)

    def view() -> list[float]:
        script = "const m = document.querySelector('#graph > g').getCTM(); return [m.a, m.e, m.f]"
        return list(viewer.run(script))

    scale, x, y = view()
    graph = viewer.find("#graph")
    ActionChains(viewer.driver).move_to_element_with_offset(
        graph, 0, -250
    ).click_and_hold().move_by_offset(50, 30).release().perform()
    assert view() == pytest.approx([scale, x + 50, y + 30], abs=1)
    viewer.run(
        "document.querySelector('#graph').dispatchEvent("
        "new WheelEvent('wheel', {deltaY: -200, clientX: 700, clientY: 300, cancelable: true}))"
    )
    assert view()[0] > scale


def test_the_address_remembers_what_is_open(viewer: Viewer, w32: hg.Graph) -> None:
    viewer.open(w32)
    viewer.click("stage3")
    viewer.click("stage3.1")
    address = viewer.run("return location.hash")
    viewer.find("#fit").click()
    boxes = viewer.boxes()
    viewer.open(w32, address=address)
    viewer.find("#fit").click()
    assert sorted(viewer.boxes()) == sorted(boxes)
    viewer.depth("op")
    assert viewer.run("return location.hash") == "#depth=op"
