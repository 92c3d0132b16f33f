"""The editor's page in Chromium, as somebody sits in front of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browser import chrome
from editing import Editing
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

TEXT = """\
# mine, with a name that is not one: <b onclick="alert(1)">&amp;
extends: hrnet_w18_cls   # the base
width: 18   # to be tried
"""


class Desk:
    """The page of one file. What it does is waited for; what it says wrong in the console fails."""

    def __init__(self, driver: Chrome, server: Editing, file: Path) -> None:
        self.driver, self.server, self.file = driver, server, file

    def open(self, width: int = 1440, fragment: str = "") -> None:
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
        )
        self.driver.get("about:blank")
        self.driver.get(f"{self.server.url}{fragment}")
        self.wait(lambda: self.run("return Number(document.body.dataset.shown || 0)"))
        self.wait(
            lambda: self.run("return document.querySelectorAll('#compare option').length > 9")
        )
        self.settle()

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait(self, is_so: Callable[[], object], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < end, self.run("return document.body.innerText")[:2000]
            time.sleep(0.03)

    def wait_for(self, name: str, word: str) -> None:
        """Until an element says a word."""
        self.wait(lambda: word in self.said(name))

    def settle(self) -> None:
        """Until what is shown is of the text that is there."""
        time.sleep(0.05)
        self.wait(lambda: self.run("return document.body.dataset.rest === 'true'"))

    def find(self, selector: str) -> Any:
        found = self.driver.find_elements("css selector", selector)
        assert found, f"nothing at {selector}"
        return found[0]

    def click(self, selector: str) -> None:
        """Clicks with the mouse, where it is."""
        element = self.find(selector)
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()
        self.settle()

    def choose(self, selector: str, value: str) -> None:
        self.find(f'{selector} option[value="{value}"]').click()
        self.settle()

    def slide(self, key: str, *values: int) -> None:
        """Drags a slider over values, faster than they can be checked."""
        script = """const slider = document.querySelector(`[data-key="${arguments[0]} slider"]`);
        slider.focus();
        for (const value of arguments[1]) {
          slider.value = value;
          slider.dispatchEvent(new Event("input", {bubbles: true}));
        }"""
        self.run(script, key, list(values))
        self.settle()

    def press(self, *keys: str) -> None:
        """Keys at once, the last one struck while the others are held."""
        chain = ActionChains(self.driver)
        for key in keys[:-1]:
            chain.key_down(key)
        chain.send_keys(keys[-1])
        for key in keys[:-1]:
            chain.key_up(key)
        chain.perform()
        self.settle()

    def type(self, text: str) -> None:
        ActionChains(self.driver).send_keys(text).perform()
        self.settle()

    def select(self, text: str) -> None:
        """Selects the first place of a text in the editor."""
        script = """const area = document.getElementById("text");
        const at = area.value.indexOf(arguments[0]);
        area.focus();
        area.setSelectionRange(at, at + arguments[0].length);
        return at"""
        assert self.run(script, text) >= 0, f"{text} is not in the text"

    def undo(self) -> None:
        self.press(Keys.CONTROL, "z")

    @property
    def text(self) -> str:
        return str(self.run("return document.getElementById('text').value"))

    def said(self, name: str) -> str:
        """The text of an element by its id; nothing where it is hidden."""
        return str(self.find(f"#{name}").text)

    def count(self, key: str) -> int:
        script = f"""return document.querySelector('[data-count="{key}"]').dataset.value"""
        return int(self.run(script))

    @property
    def parts(self) -> list[str]:
        script = "return [...document.querySelectorAll('#figure .part')].map(e => e.dataset.path)"
        return list(self.run(script))

    @property
    def is_stale(self) -> bool:
        return bool(self.run("return document.getElementById('figure').matches('.stale')"))

    @property
    def complaints(self) -> list[Any]:
        """What the console has, but for that nobody is asked who never touched the page."""
        said = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [each for each in said if "beforeunload" not in each["message"]]


@contextmanager
def desk(folder: Path, text: str) -> Iterator[Desk]:
    """The page of a file with a text."""
    file = folder / "mine.yaml"
    file.write_text(text)
    driver = chrome()
    try:
        downloads = {"behavior": "allow", "downloadPath": str(folder / "downloads")}
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", downloads)
        with Editing(file, "--keep") as server:
            yield Desk(driver, server, file)
    finally:
        driver.quit()


@contextmanager
def fresh(table: Desk) -> Iterator[None]:
    """The page as it opens first, with the file as it was; the console stays empty."""
    table.run("if (location.protocol === 'http:') sessionStorage.clear()")
    table.driver.get("about:blank")
    table.file.write_text(TEXT)
    time.sleep(0.2)
    table.open()
    yield
    assert not table.complaints
