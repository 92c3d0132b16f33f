"""Two thousand edits in a row: nothing stale, nothing lost, nothing that grows; and how quick one is."""

from __future__ import annotations

import itertools
import random
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("selenium", reason="the browser is driven by selenium")
pytest.importorskip("websockets", reason="the page's socket is of websockets")

from browser import needs_browser
from editor_desk import Desk, desk

import hrnet_graph as hg
from hrnet_graph.spec.catalogue import find

pytestmark = [needs_browser, pytest.mark.slow]

EDITS = """
const [edits] = arguments, area = document.getElementById("text");
const click = selector => { const e = document.querySelector(selector); if (e && !e.disabled) e.click(); };
const input = kind => area.dispatchEvent(new InputEvent("input", {inputType: kind, data: "x", bubbles: true}));
for (const [what, value] of edits) {
  const at = Math.floor(value * area.value.length);
  if (what === "slide") {
    const slider = document.querySelector('[data-key="width slider"]');
    if (!slider) continue;
    slider.value = 10 + Math.floor(value * 40) * 2;
    slider.dispatchEvent(new Event("input", {bubbles: true}));
  } else if (what === "type") {
    area.focus();
    area.setRangeText("x7 :[{\\n#"[Math.floor(value * 9)] || "x", at, at, "end");
    input("insertText");
  } else if (what === "delete") {
    area.focus();
    area.setRangeText("", at, at + 1, "end");
    input("deleteContentBackward");
  } else if (what === "step") click(`[data-key="stages.${1 + Math.floor(value * 3)}.modules${value < 0.5 ? 1 : -1}"]`);
  else if (what === "view") click(`#views button:nth-child(${1 + Math.floor(value * 4)})`);
  else if (what === "mend") click("#problems .row button");
  else click(what);
}
"""
FIRST = """
const area = document.getElementById("text"), undo = document.getElementById("undo");
while (!undo.disabled) undo.click();  // what undo keeps, up to 400 texts, is no leak
area.value = arguments[0];
area.dispatchEvent(new InputEvent("input", {inputType: "insertFromPaste"}));
document.querySelector("#views button").click();
if (!document.getElementById("fold").checked) document.getElementById("fold").click();
"""
KINDS = (
    *["slide"] * 6, *["type"] * 5, *["delete"] * 2, *["#undo"] * 9, "#redo", *["step"] * 3, "view",
    "#theme", "#fold", "mend", '[data-key="stage-add"]', '[data-key="stage-remove"]',
)  # fmt: skip


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path, find("hrnet_w18_small_v1_cls").read_text()) as found:
        yield found


def held(page: Desk) -> tuple[int, int, int]:
    """What page and worker hold with the first text shown: bytes of script, nodes, and KiB."""
    page.run(FIRST, page.file.read_text())
    page.settle()
    page.driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    page.driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    heap = page.driver.execute_cdp_cmd("Runtime.getHeapUsage", {})["usedSize"]
    nodes = page.driver.execute_cdp_cmd("Memory.getDOMCounters", {})["nodes"]
    (worker,) = page.server.workers
    lines = Path(f"/proc/{worker}/status").read_text().splitlines()
    return int(heap), int(nodes), next(int(x.split()[1]) for x in lines if x.startswith("VmRSS"))


SCRIPT_BYTES = 100
"""What the driver keeps in a page of every script that it runs there: an array (measured: 105)."""


def counted_scripts(page: Desk) -> Iterator[int]:
    """How many scripts the driver has run since then, each time that it is asked."""
    run, count = page.driver.execute_script, itertools.count()

    def counted(script: str, *arguments: Any) -> Any:
        next(count)
        return run(script, *arguments)

    page.driver.execute_script = counted  # type: ignore[method-assign]
    return count


def assert_is_what_it_says(page: Desk) -> None:
    """The figure and the numbers are those of the text, or the text is told to be wrong."""
    found = hg.check(page.text, page.file)
    # asked by scripts: an element that the driver holds is one that the page cannot let go
    shown = page.run("return document.querySelectorAll('#problems .error').length")
    assert shown == min(50, len(found.problems)), page.text
    if found.report is not None:
        assert page.count("params") == found.report.params, page.text
        assert page.count("macs") == found.report.macs
    assert page.is_stale == (found.graph is None)


def test_edits_leave_nothing_stale_and_the_second_thousand_nothing_grown(page: Desk) -> None:
    page.driver.set_script_timeout(60)
    scripts = counted_scripts(page)
    page.open()
    chance = random.Random(14)
    measured: list[tuple[int, ...]] = []
    for number in range(200):
        edits = [(chance.choice(KINDS), chance.random()) for _ in range(10)]
        page.run(EDITS, edits)
        page.settle()
        assert_is_what_it_says(page)
        if number % 20 == 19:
            heap, *rest = held(page)
            measured.append((heap - SCRIPT_BYTES * next(scripts), *rest))
    parts = (zip(*some, strict=True) for some in (measured[3:6], measured[7:]))
    before, after = ([*map(statistics.median, part)] for part in parts)  # a heap goes up and down
    assert all(now < 1.1 * then for then, now in zip(before, after, strict=True)), measured
    assert not page.complaints


def test_an_edit_of_the_largest_classifier_is_seen_soon(page: Desk) -> None:
    page.file.write_text(find("hrnet_w32_cls").read_text().replace("width: 32", "width: 48"))
    page.open()
    script = """
    const [value, done] = arguments, area = document.getElementById("text");
    const before = Number(document.body.dataset.shown), start = performance.now();
    new MutationObserver((_, observer) => {
      if (Number(document.body.dataset.shown) === before) return;
      observer.disconnect();
      done(performance.now() - start);
    }).observe(document.body, {attributes: true});
    area.value = area.value.replace(/width: \\d+/, `width: ${value}`);
    area.dispatchEvent(new InputEvent("input", {inputType: "insertText", data: "8"}));"""
    times = []
    for width in range(20, 60):
        times.append(float(page.driver.execute_async_script(script, width)))
        page.settle()
    print(f"median {statistics.median(times):.0f} ms, most {max(times):.0f} ms")
    assert statistics.median(times) < 600  # a shared machine; benchmarks/ has a quiet one's
