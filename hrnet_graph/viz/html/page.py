"""The page: one file that needs neither network nor server, and runs no script but its own."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files

from hrnet_graph.ir.graph import Graph
from hrnet_graph.viz.html.document import document
from hrnet_graph.viz.theme import RESOLUTIONS, THEMES, line_of

SCRIPTS = ("network", "layout", "route", "draw", "viewer", "facts", "controls")
"""The script's parts, in the order in which they build on each other."""

_ASSETS = files("hrnet_graph.viz.html") / "assets"


def to_html(graph: Graph) -> str:
    """The graph as an HTML page, in ASCII.

    Names are untrusted: they enter the page as text in its head and as JSON that no `<` can leave,
    and its content security policy admits the script and the style below by their hashes alone.
    """
    script = "".join(_asset(f"{name}.js") for name in SCRIPTS)
    script = f'(() => {{\n"use strict";\n{script}}})();\n'
    style = _asset("viewer.css") + _colours()
    values = {
        "name": escape(graph.name).encode("ascii", "xmlcharrefreplace").decode("ascii"),
        "policy": f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)};"
        " base-uri 'none'; form-action 'none'",
        "style": style,
        "network": _json(document(graph)),
        "script": script,
    }
    page = _asset("page.html")  # filled in one go, so that no value is looked into
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], page)


def _json(data: object) -> str:
    """JSON in ASCII that ends no script element, whatever the strings in it."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _colours() -> str:
    """The theme's colours of resolutions, as style: for areas, and for lines on light and dark."""
    light, dark = THEMES["light"], THEMES["dark"]
    return "".join(
        f".hue-{i} {{ --hue: {colour};"
        f" --stroke: light-dark({line_of(i, light)}, {line_of(i, dark)}); }}\n"
        for i, colour in enumerate(RESOLUTIONS)
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode('ascii')).digest()).decode()}'"


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="ascii")
