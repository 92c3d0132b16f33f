"""The HTML page in Chromium, by clicks and keys; skipped where there is no Chromium."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile import NAMES, hostile_graph
from hypothesis import given, settings
from strategies import Data, specs

import hrnet_graph as hg
from hrnet_graph.ir.hierarchy import LEVELS, Level, collapse
from hrnet_graph.viz.html.page import to_html
from hrnet_graph.viz.numbers import short as counted

pytest.importorskip("selenium", reason="the browser is driven by selenium")

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver on the machine"
)

WIDTHS = (360, 800, 1440)


class Viewer:
    """A page in a browser."""

    def __init__(self, driver: Chrome, folder: Path) -> None:
        self.driver = driver
        self.folder = folder

    def open(self, graph: hg.Graph, *, width: int = 1440, address: str = "") -> None:
        path = self.folder / "net.html"
        path.write_text(to_html(graph))
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
        )
        self.driver.get("about:blank")
        self.driver.get(f"{path.as_uri()}{address}")

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def boxes(self) -> list[str]:
        script = "return [...document.querySelectorAll('.node')].map(e => e.dataset.path)"
        return list(self.run(script))

    def click(self, path: str) -> None:
        """Clicks a box or the title of a frame."""
        self.find(f'[role=button][data-path="{path}"]').click()

    def depth(self, level: str) -> None:
        self.find(f'#depth button[value="{LEVELS.index(level)}"]').click()

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    @property
    def focused(self) -> str:
        return str(self.run("return document.activeElement.dataset.path || ''"))

    @property
    def said(self) -> str:
        return str(self.find("#said").get_attribute("textContent"))

    @property
    def facts(self) -> str:
        return str(self.find("#facts").text)

    @property
    def complaints(self) -> list[Any]:
        return list(self.driver.get_log("browser"))  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def driver() -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def viewer(driver: Chrome, tmp_path: Path) -> Iterator[Viewer]:
    viewer = Viewer(driver, tmp_path)
    yield viewer
    assert viewer.complaints == []


@pytest.fixture(scope="module")
def w32() -> hg.Graph:
    return hg.build_graph("hrnet_w32_cls")


def outputs(graph: hg.Graph) -> set[str]:
    return {name for name, _ in graph.outputs}


GEOMETRY = """
const boxes = [...document.querySelectorAll('.node')].map(node => {
  const at = node.querySelector('.box').getBBox();
  return {path: node.dataset.path.toWellFormed(), x: at.x, y: at.y, w: at.width, h: at.height,
    spills: [...node.querySelectorAll('text')].filter(text => {
      const t = text.getBBox();
      return !(t.x >= at.x - 1 && t.x + t.width <= at.x + at.width + 1
        && t.y >= at.y - 1 && t.y + t.height <= at.y + at.height + 1);
    }).map(text => text.textContent.toWellFormed())};
});
const hits = [], edges = [];
for (const edge of document.querySelectorAll('.edge')) {
  const {source, target, tensor} = edge.dataset;
  edges.push([source, target, tensor].map(path => path.toWellFormed()));
  for (let at = 0; at < edge.getTotalLength(); at += 4) {
    const p = edge.getPointAtLength(at);
    for (const b of boxes) {
      if (p.x > b.x + 2 && p.x < b.x + b.w - 2 && p.y > b.y + 2 && p.y < b.y + b.h - 2)
        hits.push(`${source} to ${target} through ${b.path}`.toWellFormed());
    }
  }
}
return {boxes, edges, hits};
"""


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("hrnet_w32_cls", "stage"),
        ("hrnet_w32_cls", "block"),
        ("hrnetv2_w18_small_v1_seg_cityscapes", "op"),
        ("hrnetv2_w48_ocr_cityscapes", "block"),
        ("higherhrnet_w32_512", "module"),
        ("hrnetv2p_w18", "module"),
        ("hrnetv2_w18", "block"),
    ],
)
def test_the_drawing_is_the_graph_and_nothing_overlaps(
    viewer: Viewer, name: str, level: Level
) -> None:
    graph = hg.build_graph(name)
    viewer.open(graph, address=f"#depth={level}")
    viewer.find("#fit").click()
    drawn = viewer.run(GEOMETRY)
    view = collapse(graph, level)
    paths = [box["path"] for box in drawn["boxes"]]
    assert sorted(paths) == sorted([*view.boxes, *outputs(graph)])
    box_of = {node.path: box.path for box in view.boxes.values() for node in box.nodes}
    expected = {
        (source, target, tensor.path)
        for (source, target), tensors in view.edges.items()
        for tensor in tensors
    } | {(box_of[path], output, path) for output, path in graph.outputs}
    assert sorted(map(tuple, drawn["edges"])) == sorted(expected)
    assert drawn["hits"] == []
    assert [box["spills"] for box in drawn["boxes"] if box["spills"]] == []
    at = {box["path"]: box for box in drawn["boxes"]}
    for source, target, _ in expected:
        assert at[source]["x"] + at[source]["w"] < at[target]["x"]
    boxes = sorted(drawn["boxes"], key=lambda box: box["x"])
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            if b["x"] >= a["x"] + a["w"]:
                break
            assert b["y"] >= a["y"] + a["h"] or b["y"] + b["h"] <= a["y"], (a, b)


def test_the_page_rounds_as_the_figures_do(viewer: Viewer, w32: hg.Graph) -> None:
    viewer.open(w32)
    rounding = re.search(r"function short\(.*?\n}\n", to_html(w32), re.DOTALL)
    assert rounding is not None
    script = f"{rounding[0]} return short(arguments[0])"
    for number in (999, 1000, 9_995, 99_949, 999_499, 999_999, 999_500_000, 8_921_133_056):
        assert viewer.run(script, number).strip() == counted(number)


SHAPES = """
const all = (query) => [...document.querySelectorAll(query)].map(each => [each, each.getBBox()]);
const meet = (a, b) => a.x < b.x + b.width - 0.5 && b.x < a.x + a.width - 0.5
  && a.y < b.y + b.height - 1 && b.y < a.y + a.height - 1;
const shapes = all('text.shape'), boxes = all('.node .box');
return {said: shapes.map(([each]) => each.textContent), hits: shapes.flatMap(([each, at], i) =>
  [...boxes, ...shapes.slice(0, i)].filter(([, other]) => meet(at, other)).map(() => each.textContent))};
"""


@pytest.mark.parametrize("name", ["hrnetv2_w48_ocr_cityscapes", "hrnetv2p_w32"])
def test_shapes_on_edges_keep_clear_of_boxes_and_of_each_other(viewer: Viewer, name: str) -> None:
    graph = hg.build_graph(name)
    levels: tuple[Level, ...] = ("stage", "block")
    for level in levels:
        viewer.open(graph, address=f"#depth={level}")
        viewer.find("#fit").click()
        found = viewer.run(SHAPES)
        assert found["hits"] == []
        assert "×".join(map(str, graph.input.type.shape)) in found["said"]
    assert "stem, input, output" in viewer.find("#legend").text


@settings(deadline=None, max_examples=5)
@given(specs())
def test_random_networks_are_drawn_without_overlaps(
    driver: Chrome, tmp_path_factory: pytest.TempPathFactory, data: Data
) -> None:
    try:
        graph = hg.build_graph(data)
    except hg.SpecError:
        return
    viewer = Viewer(driver, tmp_path_factory.mktemp("page"))
    for level in ("block", "op"):
        viewer.open(graph, address=f"#depth={level}")
        viewer.find("#fit").click()
        drawn = viewer.run(GEOMETRY)
        assert len(drawn["boxes"]) == len(collapse(graph, level).boxes) + len(graph.outputs)
        assert drawn["hits"] == []
    assert viewer.complaints == []


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


def test_search_opens_what_holds_the_key_and_shows_it(viewer: Viewer, w32: hg.Graph) -> None:
    viewer.open(w32)
    viewer.press("/")
    viewer.press("stage4.2.branches.3.1.BN2.running")
    assert viewer.said == ("2 keys found: stage4.2.branches.3.1.bn2.running_mean")
    viewer.press(Keys.ARROW_DOWN)
    assert viewer.find("#found [aria-selected=true]").text.endswith("running_var")
    viewer.press(Keys.ENTER)
    assert viewer.focused == "stage4.2.branches.3.1.bn2"
    assert "stage4.2.branches.3.1.bn2.running_var" in viewer.facts
    box = viewer.find('[data-path="stage4.2.branches.3.1.bn2"]').rect
    area = viewer.find("#graph").rect
    assert area["x"] < box["x"] < area["x"] + area["width"]
    assert area["y"] < box["y"] < area["y"] + area["height"]
    viewer.press("/")
    viewer.press("nothing")
    assert viewer.said == "no key found"


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
    viewer.press("-", "-", "0")
    assert scale() < before * 1.25


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


def test_hostile_names_neither_run_nor_break(viewer: Viewer) -> None:
    graph = hostile_graph()
    viewer.open(graph)
    assert viewer.driver.title == NAMES[0]
    for level in LEVELS:
        viewer.depth(level)
        viewer.find("#fit").click()
        drawn = viewer.run(GEOMETRY)
        assert len(drawn["boxes"]) == len(collapse(graph, level).boxes) + len(NAMES)
        assert [box["spills"] for box in drawn["boxes"] if box["spills"]] == [], level
        assert drawn["hits"] == []
    for name in NAMES:
        viewer.run("const s = document.querySelector('#search'); s.value = arguments[0];"
                   "s.dispatchEvent(new Event('input'))", name[:50].encode(errors="ignore").decode())  # fmt: skip
        viewer.find("#search").send_keys(Keys.ENTER)
    assert viewer.run("return window.broken") is None
    assert viewer.run("return document.querySelectorAll('img, b, body script').length") == 2


@pytest.mark.slow
def test_ten_thousand_nodes_stay_usable(viewer: Viewer) -> None:
    spec = hg.load_spec("hrnet_w32_cls", {"stages.3.modules": 58})
    graph = hg.build_graph(spec)
    assert len(graph.nodes) > 9_900
    viewer.open(graph)
    loaded = viewer.run("return performance.getEntriesByType('navigation')[0].domComplete")
    assert loaded < 4_000
    timed = (
        "const [element, done] = arguments, start = performance.now(); element.dispatchEvent("
        "new MouseEvent('click', {bubbles: true})); requestAnimationFrame(() => setTimeout(() =>"
        " done(performance.now() - start)))"
    )
    for level in ("module", "block", "op", "stage"):
        button = viewer.find(f'#depth button[value="{LEVELS.index(level)}"]')
        assert viewer.driver.execute_async_script(timed, button) < 2_000, level
        viewer.find("#fit").click()
        assert viewer.run("return document.querySelectorAll('#graph *').length") < 10_000
    box = viewer.find('[data-path="stage4"]')
    assert viewer.driver.execute_async_script(timed, box) < 1_000
    assert "stage4.0" in viewer.boxes()
    viewer.press("/")
    viewer.press("stage4.57.branches.3.3.conv2.weight", Keys.ENTER)
    assert viewer.focused == "stage4.57.branches.3.3.conv2"
