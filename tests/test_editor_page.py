"""The editor's page in Chromium: by clicking and typing, as its user would."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

pytest.importorskip("selenium", reason="the browser is driven by selenium")
pytest.importorskip("websockets", reason="the page's socket is of websockets")

from browser import needs_browser
from editor_desk import TEXT, Desk, desk, fresh
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

import hrnet_graph as hg
from hrnet_graph.viz.theme import contrast

pytestmark = needs_browser
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("desk"), TEXT) as found:
        yield found


@pytest.fixture
def page(table: Desk) -> Iterator[Desk]:
    with fresh(table):
        yield table


def test_it_shows_the_network_of_the_file(page: Desk) -> None:
    report = hg.analyze(hg.build_graph("hrnet_w18_cls"))
    assert page.text == TEXT
    assert page.count("params") == report.params
    assert page.count("macs") == report.macs
    assert {"input", "stage2.0.branches.1", "stage4.0.fuse_layers.0"} <= {*page.parts}
    assert page.said("state") == "saved"
    assert not page.said("problems")


@pytest.mark.parametrize("width", [360, *(pytest.param(w, marks=slow) for w in (1024, 1920))])
def test_a_variant_is_tried_from_the_start_to_the_end(page: Desk, width: int) -> None:
    page.open(width)
    wide = page.run("return [document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]
    page.slide("width", 20, 28, 36, 44, 52, 60, 64)
    wanted = hg.analyze(hg.build_graph(hg.load_spec("hrnet_w18_cls", {"width": 64})))
    assert page.text == TEXT.replace("width: 18", "width: 64")
    assert page.count("params") == wanted.params
    page.select("width: 64")
    page.type("width: 64x")
    assert page.is_stale
    assert "width" in page.said("problems")
    page.type(Keys.BACKSPACE)
    assert not page.is_stale
    assert not page.said("problems")
    page.click('[data-key="stage-add"]')
    assert page.text.count("block: ") == 5
    assert any(part.startswith("stage5.") for part in page.parts)
    page.choose("#compare", "hrnet_w48_cls")
    assert "from hrnet_w48_cls" in page.said("counts")
    page.click("#undo")
    assert page.text == TEXT.replace("width: 18", "width: 64")
    for _ in range(9):
        page.undo()
    assert page.text == TEXT
    assert page.count("params") == hg.analyze(hg.build_graph("hrnet_w18_cls")).params


def test_where_sizes_do_not_fit_the_part_that_does_is_drawn_and_the_place_is_marked(
    page: Desk,
) -> None:
    page.select("width: 18")
    page.type("input: [3, 230, 224]")
    assert not page.is_stale
    assert "stage3.0.fuse_layers.0" in page.said("figure-note")
    marked = page.run("return [...document.querySelectorAll('.part.end')].map(e => e.dataset.path)")
    assert marked == ["stage3.0.fuse_layers.0"]
    assert not any(part.startswith("stage4") for part in page.parts)
    row = page.find("#gutter .wrong")
    assert row.text == "3"
    assert "does not fit" in row.get_attribute("title")
    assert page.find("#under .squiggle").text.startswith("[")
    page.click("#problems .row button")
    assert "input: [3, 224, 224]" in page.text
    assert any(part.startswith("stage4") for part in page.parts)


def test_a_key_that_is_misspelt_is_renamed_by_a_key(page: Desk) -> None:
    page.select("width")
    page.type("widht")
    page.press(Keys.CONTROL, ".")
    assert page.text == TEXT


def test_it_completes_and_says_what_stands_where(page: Desk) -> None:
    page.run("const t = document.getElementById('text'); t.focus(); t.setSelectionRange(1e6, 1e6)")
    page.type("activ")
    page.wait(lambda: page.said("completions"))
    page.press(Keys.ENTER)
    assert page.text.endswith("activation: ")
    page.wait(lambda: "relu" in page.said("completions"))
    page.type("sil")
    page.wait(lambda: page.said("completions").startswith("silu"))
    page.press(Keys.TAB)
    assert page.text.endswith("activation: silu")
    page.select("width")
    page.wait(lambda: "width" in page.said("hint"))
    assert not page.said("problems")


def test_the_text_alone_takes_tab_and_lets_it_go_after_escape(page: Desk) -> None:
    page.select("# mine")
    page.press(Keys.HOME)
    page.press(Keys.TAB)
    assert page.text == f"  {TEXT}"
    page.press(Keys.SHIFT, Keys.TAB)
    assert page.text == TEXT
    page.press(Keys.ESCAPE)
    page.press(Keys.TAB)
    assert page.run("return document.activeElement.id") != "text"
    assert page.text == TEXT


def test_a_part_says_what_it_costs_and_leads_to_its_line(page: Desk) -> None:
    page.run("document.getElementById('figure').focus()")
    page.press(Keys.ARROW_RIGHT)
    for _ in range(4):
        page.press(Keys.ARROW_RIGHT)
    chosen = page.run("return document.activeElement.dataset.path")
    assert chosen in page.parts
    assert "MACs" in page.said("facts")
    assert "inherited: hrnet_w32_cls.yaml, line" in page.said("facts")
    page.click('[data-path="stage3.0.branches.1"]')
    page.press("o")
    assert "stage3.0.branches.1.0" in page.parts
    page.press(Keys.ESCAPE)
    assert not page.said("facts")
    page.type("/")
    page.type("stage4")
    assert page.run("return document.querySelectorAll('.found').length") > 3


def test_every_table_is_of_the_network_that_is_shown(page: Desk) -> None:
    graph = hg.build_graph("hrnet_w18_cls")
    page.click("#tab-stages")
    page.wait(lambda: "layer1" in page.said("panel"))
    assert f"{hg.analyze(graph).by('stage')['stage4'].params / 1e6:.2f} M" in page.said("panel")
    for tab, word in (
        ("memory", "optimiser"), ("roofline", "launch"), ("field", "stage4 branch 3"),
        ("values", "No value of the spec differs"),
    ):  # fmt: skip
        page.click(f"#tab-{tab}")
        page.wait_for("panel", word)
    page.select("width: 18")
    page.type("width: 20")
    page.wait(lambda: re.search(r"width\s+20\s+18", page.said("panel")))


def test_steps_in_quick_succession_all_count(page: Desk) -> None:
    page.run("""
        for (let i = 0; i < 12; i += 1) {
          setTimeout(() => document.querySelector('[data-key="stages.2.modules1"]').click(), 35 * i);
        }""")
    page.wait(lambda: "modules: 16" in page.text)
    page.settle()
    assert hg.load_spec(text=page.text).stages[2].modules == 16


def test_what_is_far_too_long_is_left_out_and_nothing_is_lost(page: Desk) -> None:
    script = """const data = new DataTransfer();
    data.setData("text/plain", "x".repeat(5e7));
    const area = document.getElementById("text");
    area.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, cancelable: true}));"""
    page.run(script)
    assert "at most 64 KiB" in page.said("bars")
    assert page.text == TEXT


def test_names_from_outside_are_text_and_nothing_else(page: Desk) -> None:
    page.run("const t = document.getElementById('text'); t.focus(); t.setSelectionRange(1e6, 1e6)")
    page.type("'<img src=x onerror=alert(1)>': <script>alert(1)</script>\n")
    assert "<img src=x" in page.said("problems")
    assert not page.run("return document.querySelectorAll('main img, main script').length")


def test_everything_has_a_name_and_is_reached_by_keys_alone(page: Desk) -> None:
    nameless = page.run("""
        const named = e => e.getAttribute("aria-label") || e.textContent.trim() || e.title
          || (e.labels && e.labels.length) || e.getAttribute("placeholder");
        return [...document.querySelectorAll("button, input, select, textarea, [role=button]")]
          .filter(e => !named(e)).map(e => e.outerHTML.slice(0, 120))""")
    assert nameless == []
    page.run("""
        window.reached = new Set();
        addEventListener("focusin", event => window.reached.add(event.target));
        document.getElementById("text").blur();""")
    chain = ActionChains(page.driver)
    for _ in range(6):
        chain.send_keys(Keys.ESCAPE + Keys.TAB * 25)
    chain.perform()
    missed = page.run("""
        const wanted = [...document.querySelectorAll("button, input, select, textarea, summary")];
        return wanted.filter(e => e.tabIndex >= 0 && !e.disabled && e.checkVisibility()
          && !window.reached.has(e)).map(e => e.outerHTML.slice(0, 120))""")
    assert missed == []


PALETTE = """
const style = getComputedStyle(document.documentElement);
const probe = document.body.appendChild(document.createElement("i"));
const colour = name => {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color.match(/[0-9.]+/g).slice(0, 3).map(Number);
};
return Object.fromEntries(arguments[0].map(name => [name, colour(name)]))"""
ON = {
    "surface": ("ink", "quiet", "key", "string", "number", "word", "comment", "less", "more"),
    "wrong-soft": ("ink", "wrong", "quiet"),
    "warn-soft": ("ink", "warn"),
    "raised": ("ink", "quiet"),
}
"""Colour of a surface -> those of the words that stand on it."""


def test_words_can_be_read_in_the_light_and_in_the_dark(page: Desk) -> None:
    names = sorted({*ON, *(name for words in ON.values() for name in words)})
    seen = []
    for _ in range(2):
        palette = {
            name: "#" + "".join(f"{round(part):02x}" for part in parts)
            for name, parts in page.run(PALETTE, names).items()
        }
        for surface, words in ON.items():
            for word in words:
                assert contrast(palette[word], palette[surface]) >= 4.5, (word, surface)
        seen.append(palette["surface"])
        page.click("#theme")
    assert len({*seen}) == 2
