"""The editor's page, as files that whoever serves it admits alone: no script but its own runs."""

from __future__ import annotations

from html import escape
from importlib.resources import files

SCRIPTS = (
    "dom",
    "history",
    "yaml",
    "editor",
    "keys",
    "offers",
    "figure",
    "pointers",
    "facts",
    "controls",
    "tables",
    "diff",
    "share",
    "file",
    "check",
)
"""The script's parts, in the order in which they build on each other."""

STYLES = ("editor", "network")

_ASSETS = files("hrnet_graph.editor") / "assets"


def page_files(connect: str = "", policy: str = "") -> dict[str, bytes]:
    """The page as files by name, in ASCII: `index.html` with its script and style beside it.

    `connect` is the text of a script that declares `connect()`: it returns the way to what answers,
    an object of `request(message)`, a promise of the reply, and `on(event, f)`. Where it is empty,
    that is a WebSocket to `socket` beside the page. `policy` is a content security policy for a
    page that comes from files; a server says its own in a header.
    """
    way = connect or _asset("socket.js")
    script = "".join((*(_asset(f"{name}.js") for name in SCRIPTS), way, _asset("main.js")))
    meta = f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
    texts = {
        "index.html": _asset("page.html").replace("<!-- policy -->", meta if policy else ""),
        "editor.css": "".join(_asset(f"{name}.css") for name in STYLES),
        "editor.js": f'(() => {{\n"use strict";\n{script}}})();\n',
    }
    return {name: text.encode("ascii") for name, text in texts.items()}


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="ascii")
