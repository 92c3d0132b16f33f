"""The HTML page in Chromium."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import hrnet_graph as hg
from hrnet_graph.ir.hierarchy import LEVELS
from hrnet_graph.viz.html.page import to_html

pytest.importorskip("selenium", reason="the browser is driven by selenium")

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver on the machine"
)


def chrome(*more: str) -> Chrome:
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        *more,
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return Chrome(options=options, service=Service(DRIVER))


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
"""A script: the boxes and edges that are drawn, and the edges that run through boxes."""
