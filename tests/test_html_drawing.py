"""The HTML page draws the graph, and nothing gets in anything's way; skipped without Chromium."""

from __future__ import annotations

import re

import pytest
from browser import GEOMETRY, Viewer, needs_browser
from hostile import NAMES, hostile_graph
from hypothesis import given, settings
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys
from strategies import Data, specs

import hrnet_graph as hg
from hrnet_graph.analysis.numbers import short as counted
from hrnet_graph.ir.hierarchy import LEVELS, Level, collapse
from hrnet_graph.viz.html.page import to_html

pytestmark = needs_browser


def outputs(graph: hg.Graph) -> set[str]:
    return {name for name, _ in graph.outputs}


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
const lines = [...document.querySelectorAll('.edge')].flatMap(edge => {
  const points = [];
  for (let at = 0; at < edge.getTotalLength(); at += 1) points.push(edge.getPointAtLength(at));
  return points;
});
for (const frame of document.querySelectorAll('.frame > rect')) {
  const {x, y, width, height} = frame.getBBox();
  for (let at = y; at < y + height; at++) lines.push({x, y: at}, {x: x + width, y: at});
}
const struck = ({x, y, width, height}) => lines.some(p =>
  p.x > x && p.x < x + width && p.y > y + 1.5 && p.y < y + height - 1.5);
return {said: shapes.map(([each]) => each.textContent), hits: shapes.flatMap(([each, at], i) =>
  [...boxes, ...shapes.slice(0, i)].filter(([, other]) => meet(at, other)).map(() => each.textContent)),
  struck: shapes.filter(([, at]) => struck(at)).map(([each]) => each.textContent)};
"""


@pytest.mark.parametrize("name", ["hrnetv2_w48_ocr_cityscapes", "hrnetv2p_w32"])
def test_shapes_on_edges_keep_clear_of_boxes_lines_and_each_other(
    viewer: Viewer, name: str
) -> None:
    graph = hg.build_graph(name)
    levels: tuple[Level, ...] = ("stage", "block")
    for level in levels:
        viewer.open(graph, address=f"#depth={level}")
        viewer.find("#fit").click()
        found = viewer.run(SHAPES)
        assert found["hits"] == []
        assert found["struck"] == []
        assert len(found["said"]) > 8
        assert "×".join(map(str, graph.input.type.shape)) in found["said"]
    assert "1/4" in viewer.find("#legend").text


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
