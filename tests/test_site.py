"""The editor as a static page that runs Python in the browser: built, served and driven."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
import tomllib
from base64 import b64decode
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import requires, version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("selenium", reason="the browser is driven by selenium")
pytest.importorskip("websockets", reason="the page's socket is of websockets")

from browser import chrome, needs_browser
from editor_desk import Desk
from packaging.requirements import Requirement
from selenium.webdriver import Chrome

import hrnet_graph as hg
from hrnet_graph.editor.session import answer
from hrnet_graph.spec.catalogue import find
from hrnet_graph.viz.draw import lay_out

SCRIPT = Path(__file__).parents[1] / "docs" / "site" / "make.py"
SECONDS = 10
"""In what time the page is to be there, from a disk of the same machine."""


def script() -> Any:
    """`docs/site/make.py` as a module."""
    found = spec_from_file_location("make_site", SCRIPT)
    assert found is not None
    assert found.loader is not None
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module


class Site(Desk):
    """The page, from a server of files."""

    def __init__(self, driver: Chrome, url: str) -> None:
        self.driver, self.url = driver, url

    def open(self, width: int = 1440, fragment: str = "") -> None:
        sides = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sides)
        self.driver.get("about:blank")
        self.driver.get(f"{self.url}{fragment}")
        self.wait(lambda: self.run("return Number(document.body.dataset.shown || 0)"), 120)
        self.settle()

    def settle(self) -> None:
        time.sleep(0.05)
        self.wait(lambda: self.run("return document.body.dataset.rest === 'true'"), 120)

    def write(self, text: str) -> None:
        """Pastes a text in place of all that is there."""
        script = """const area = document.getElementById("text");
        area.focus();
        area.select();
        document.execCommand("insertText", false, arguments[0]);"""
        self.run(script, text)
        self.settle()

    def counts(self) -> dict[str, int]:
        return {key: self.count(key) for key in ("params", "macs", "flops", "activations")}

    def publish(self, name: str) -> None:
        """Opens a network of the catalogue."""
        text = find(name).read_text()
        self.run("document.getElementById('more').open = true")
        self.choose("#publish", name)
        self.wait(lambda: self.text == text, 60)
        self.settle()

    def download(self, kind: str, file: Path) -> bytes:
        """What is downloaded, once it is there."""
        folder = {"behavior": "allow", "downloadPath": str(file.parent)}
        self.driver.execute_cdp_cmd("Browser.setDownloadBehavior", folder)
        self.run(f"document.querySelector('#downloads [data-as={kind}]').click()")
        self.wait(lambda: file.exists() and file.stat().st_size, 60)
        return file.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built."""
    if not shutil.which("npm"):
        pytest.skip("needs npm")
    asked = subprocess.run(
        ["npm", "view", script().PYODIDE, "version"], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        pytest.skip(f"needs npm's package registry: {asked.stderr.strip().splitlines()[-1]}")
    return Path(script().build(tmp_path_factory.mktemp("built") / "site"))


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """What was asked of the server of files."""
    return []


@pytest.fixture(scope="module")
def url(folder: Path, asked: list[str]) -> Iterator[str]:
    class Files(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            asked.append(format % arguments)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def driver() -> Iterator[Chrome]:
    """A browser that finds no machine but this one."""
    driver = chrome("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    yield driver
    driver.quit()


@pytest.fixture
def page(driver: Chrome, url: str, asked: list[str]) -> Iterator[Site]:
    site = Site(driver, url)
    yield site
    assert not site.complaints
    assert not [line for line in asked if '" 200 ' not in line and '" 304 ' not in line]


@pytest.mark.slow
@needs_browser
def test_it_is_there_in_seconds(page: Site) -> None:
    """By the clock; where other work holds the machine up, by the processor's time."""
    before, begun = processor_seconds(), time.monotonic()
    page.open()
    taken = time.monotonic() - begun
    worked = processor_seconds() - before
    assert min(taken, worked) < SECONDS, f"{taken:.1f} s, of the processor {worked:.1f} s"
    assert page.parts
    assert page.counts() == counts_of(hg.build_graph("hrnet_w32_cls"))


@pytest.mark.slow
@needs_browser
def test_every_network_of_the_catalogue_opens(page: Site) -> None:
    page.open(fragment="?network=hrnet_w48_cls")
    assert page.said("name") == "hrnet_w48_cls.yaml"
    for name in hg.list_specs():
        page.publish(name)
        graph = hg.build_graph(name)
        assert page.counts() == counts_of(graph), name
        assert not page.said("problems"), name
        assert set(lay_out(graph, fold=True).names.values()) == set(page.parts), name


@pytest.mark.slow
@needs_browser
def test_a_spec_is_edited_broken_mended_and_taken_home(page: Site, tmp_path: Path) -> None:
    page.open()
    text = find("hrnet_w32_cls").read_text()
    page.select("width: 32")
    page.type("width: 20")
    edited = hg.build_graph(hg.load_spec("hrnet_w32_cls", {"width": 20}))
    assert page.counts() == counts_of(edited)
    page.select("width: 20")
    page.type("width: 20x")
    assert page.is_stale
    assert "width" in page.said("problems")
    page.undo()
    page.write(text)
    assert not page.said("problems")
    page.choose("#compare", "hrnet_w48_cls")
    assert "from hrnet_w48_cls" in page.said("counts")
    for kind in ("yaml", "svg", "pdf", "py"):
        asked = {
            "do": "export",
            "as": kind,
            "text": text,
            "path": "hrnet_w32_cls.yaml",
            "fold": True,
        }
        made = page.download(kind, tmp_path / f"hrnet_w32_cls.{kind}")
        assert made == b64decode(str(answer(asked)["data"])), kind
    assert page.download("png", tmp_path / "hrnet_w32_cls.png").startswith(b"\x89PNG")
    assert page.download("pdf", tmp_path / "hrnet_w32_cls.pdf").startswith(b"%PDF")


@pytest.mark.slow
@needs_browser
def test_python_that_crashes_or_hangs_is_started_again(page: Site) -> None:
    """The text is the page's: nothing is lost, and what comes next is answered."""
    added = page.driver.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": FAULTY_WORKER}
    )
    page.open()
    for number, fault in enumerate(("crash", "hang")):
        page.run("window.fault = arguments[0]", fault)
        page.write(f"extends: hrnet_w18_cls  # {fault}\n")
        assert "This was given up, and Python is started again" in page.said("problems")
        assert "Python is starting" in page.said("bars")
        assert page.run("return window.workers") == number + 2
        page.write("extends: hrnet_w18_cls\n")
        assert not page.said("problems")
        assert page.counts() == counts_of(hg.build_graph("hrnet_w18_cls"))
    page.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


@pytest.mark.slow
@needs_browser
def test_without_a_server_it_says_what_it_needs(driver: Chrome, folder: Path) -> None:
    driver.get((folder / "index.html").as_uri())
    bars = driver.find_element("id", "bars")
    Site(driver, "").wait(lambda: "such as python -m http.server in this folder" in bars.text)
    driver.get_log("browser")  # type: ignore[no-untyped-call]


FAULTY_WORKER = """
const wait = window.setTimeout;
window.workers = 0;
window.Worker = class extends Worker {
  constructor(...of) { super(...of); window.workers += 1; }
  postMessage(message) {
    if (!window.fault || !message.includes('"do":"check"')) return super.postMessage(message);
    const crash = new MessageEvent("message", {data: {fatal: "Error: out of memory"}});
    if (window.fault === "crash") wait(() => this.dispatchEvent(crash));
    window.isShort = window.fault === "hang";
    window.fault = "";
  }
};
window.setTimeout = (f, time, ...more) => {
  if (time === 30000 && window.isShort) [time, window.isShort] = [300, false];
  return wait(f, time, ...more);
};
"""
"""A worker that fails once as `window.fault` says; who waits half a minute then waits no longer."""


def counts_of(graph: hg.Graph) -> dict[str, int]:
    total = hg.analyze(graph).total.as_dict()
    return {key: total[key] for key in ("params", "macs", "flops", "activations")}


def processor_seconds() -> float:
    """What this process and all that it started have taken of the processor."""
    ticks, children = os.sysconf("SC_CLK_TCK"), dict[int, list[tuple[int, int]]]()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        entry = int(stat.parent.name), int(fields[11]) + int(fields[12])
        children.setdefault(int(fields[1]), []).append(entry)
    waiting, total = [os.getpid()], 0
    while waiting:
        for child, taken in children.get(waiting.pop(), []):
            waiting.append(child)
            total += taken
    return total / ticks + time.process_time()


def test_what_npm_gives_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other bytes are refused, and what was built before is there as it was."""
    module = script()

    def pack(*command: str) -> None:
        (Path(command[-1]) / "pyodide-1.tgz").write_bytes(b"other bytes")

    monkeypatch.setattr(module, "run", pack)
    (tmp_path / "index.html").write_text("the one before")
    with pytest.raises(SystemExit, match=r"^pyodide@[\d.]+: expected SHA-512 d18bd7c4"):
        module.build(tmp_path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["the one before"]


def test_what_cannot_be_built_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="built with npm: install it"):
        script().build(tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_every_wheel_is_one_that_the_package_takes() -> None:
    """The digests are checked by pip; that it is what we and pydantic ask for, here."""
    lines = SCRIPT.with_name("wheels.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    found = (re.fullmatch(r"([a-z-]+)==([\d.]+) --hash=sha256:[0-9a-f]{64}", pin) for pin in pins)
    versions = {match[1]: match[2] for match in found if match}
    assert len(versions) == len(pins)
    project = tomllib.loads((SCRIPT.parents[2] / "pyproject.toml").read_text())["project"]
    needed = [Requirement(text) for text in project["dependencies"]]
    taken = [each for each in needed if each.name in versions and not each.marker]
    assert {each.name for each in taken} >= {"fonttools", "pydantic", "pyyaml"}
    for each in taken:
        assert versions[each.name] in each.specifier, each
    core = {each.name: each for each in map(Requirement, requires("pydantic") or ())}
    if version("pydantic") == versions["pydantic"]:
        assert versions["pydantic-core"] in core["pydantic-core"].specifier
