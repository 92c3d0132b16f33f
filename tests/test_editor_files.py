"""The editor's page and files: saved by two, downloaded, shared, kept when all else is gone."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from zlib import compressobj

import pytest

pytest.importorskip("selenium", reason="the browser is driven by selenium")
pytest.importorskip("websockets", reason="the page's socket is of websockets")

from browser import needs_browser
from editor_desk import TEXT, Desk, desk, fresh
from selenium.webdriver.common.keys import Keys

import hrnet_graph as hg

pytestmark = needs_browser


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("desk"), TEXT) as found:
        yield found


@pytest.fixture
def page(table: Desk) -> Iterator[Desk]:
    with fresh(table):
        yield table


def test_what_is_downloaded_is_what_the_commands_write(page: Desk) -> None:
    folder = page.file.parent / "downloads"
    for kind in ("yaml", "svg", "png", "py"):
        page.click("#more summary")
        page.click(f'[data-as="{kind}"]')
        page.wait((folder / f"mine.{kind}").exists)
    spec = hg.load_spec(page.file)
    hg.render(hg.build_graph(spec), page.file.with_suffix(".svg"), fold=True)
    assert (folder / "mine.svg").read_text() == page.file.with_suffix(".svg").read_text()
    assert (folder / "mine.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "mine.yaml").read_text() == TEXT
    assert "class HRNet" in (folder / "mine.py").read_text()


def packed(text: str) -> str:
    """A text as links hold it."""
    squeeze = compressobj(9, wbits=-15)
    data = squeeze.compress(text.encode()) + squeeze.flush()
    return urlsafe_b64encode(data).decode().rstrip("=")


def test_a_link_carries_the_spec_and_a_broken_one_nothing(page: Desk) -> None:
    page.select("width: 18")
    page.type("width: 24")
    page.click("#more summary")
    page.click("#link")
    page.wait(lambda: page.run("return location.hash").startswith("#spec="))
    shared = page.run("return location.hash")
    page.run("sessionStorage.clear()")
    page.open(fragment=shared)
    assert "width: 24" in page.text
    assert page.file.read_text() == TEXT
    page.click(".bar button")
    assert page.text == TEXT
    for broken in (shared[:-9], f"#spec={packed('x' * 10**7)}", "#spec=%%%"):
        page.run("sessionStorage.clear()")
        page.open(fragment=broken)
        assert page.text == TEXT
        assert "no spec that can be read" in page.said("bars")


def test_saving_writes_the_file_and_two_writers_lose_nothing(page: Desk) -> None:
    page.select("width: 18")
    page.type("width: 24")
    page.press(Keys.CONTROL, "s")
    page.wait(lambda: page.said("state") == "saved")
    mine = TEXT.replace("18   #", "24   #")
    assert page.file.read_text() == mine
    page.file.write_text(f"{mine}# theirs\n")
    page.wait(lambda: "# theirs" in page.text)
    page.select("width: 24")
    page.type("width: 28")
    page.file.write_text(f"{mine}# theirs again\n")
    page.wait(lambda: "changed on disk" in page.said("bars"))
    assert "width: 28" in page.text
    page.find("#bars").find_elements("tag name", "button")[1].click()
    page.settle()
    assert page.text == f"{mine}# theirs again\n"
    page.undo()
    assert "width: 28" in page.text


def test_a_file_keeps_how_its_lines_end(page: Desk) -> None:
    page.file.write_bytes(TEXT.replace("\n", "\r\n").encode())
    time.sleep(0.3)
    page.open()
    assert page.said("state") == "saved"
    page.slide("width", 20, 24)
    page.press(Keys.CONTROL, "s")
    page.wait(lambda: page.said("state") == "saved")
    wanted = TEXT.replace("18   #", "24   #").replace("\n", "\r\n")
    assert page.file.read_bytes() == wanted.encode()


def test_what_was_not_saved_is_there_after_a_reload(page: Desk) -> None:
    page.select("width: 18")
    page.type("width: 24")
    time.sleep(0.4)
    page.run("window.addEventListener('beforeunload', e => e.stopImmediatePropagation(), true)")
    page.open()
    assert page.text == TEXT
    page.click(".bar button")
    assert "width: 24" in page.text


def test_the_text_outlives_the_server(tmp_path: Path) -> None:
    with desk(tmp_path, TEXT) as page:
        page.open()
        page.select("width: 18")
        page.type("width: 24")
        page.server.process.kill()
        page.wait_for("bars", "The server is gone")
        page.type("0")
        assert "width: 240" in page.text
        assert page.is_stale
        page.find(".bar button").click()
        page.wait((tmp_path / "downloads" / "mine.yaml").exists)
        assert "width: 240" in (tmp_path / "downloads" / "mine.yaml").read_text()
