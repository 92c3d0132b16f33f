"""Draws every network of the catalogue into docs/gallery/ and lists them in docs/gallery.md.

Run by `make gallery`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hrnet_graph as hg
from hrnet_graph.spec.catalogue import TASKS

PAGE = Path(__file__).with_name("gallery.md")
FOLDER = Path(__file__).with_name("gallery")

OPENING = """\
# The catalogue, drawn

Drawn by `make gallery`: `hrnet-graph render NAME` for every network of the catalogue. One row a
resolution, one column a step; a map's height says resolution, its depth channels.
"""


def page() -> str:
    """The gallery's text."""
    return OPENING + "".join(_entries())


def _entries() -> Iterator[str]:
    grouped: dict[str, list[str]] = {task: [] for task in TASKS.values()}
    for name in hg.list_specs():
        grouped[TASKS[hg.load_spec(name).head.kind]].append(name)
    by_task = {task: names for task, names in grouped.items() if names}
    links = (f"[{task}](#{task.replace(' ', '-')})" for task in by_task)
    yield f"\nBy task: {', '.join(links)}.\n"
    for task, names in by_task.items():
        yield f"\n## {task.capitalize()}\n"
        for name in names:
            yield f"\n### {name}\n\n![{name}](gallery/{name}.svg)\n"


def main() -> None:
    """Writes the page and the figures, and drops figures of networks that are gone."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.svg"):
        old.unlink()
    for name in hg.list_specs():
        hg.render(hg.build_graph(hg.load_spec(name)), FOLDER / f"{name}.svg")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
