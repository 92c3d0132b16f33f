"""A spec as a file to download: its figure, its text, or its source."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

from hrnet_graph.compiler.check import check
from hrnet_graph.compiler.source.write import to_source
from hrnet_graph.editor.figure import sight
from hrnet_graph.editor.request import Request
from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted
from hrnet_graph.ir.graph import Graph
from hrnet_graph.spec.schema import Spec
from hrnet_graph.viz.draw import lay_out

TYPES: Mapping[str, str] = {
    "yaml": "application/yaml",
    "svg": "image/svg+xml",
    "png": "image/png",
    "pdf": "application/pdf",
    "py": "text/x-python",
}
"""What can be downloaded, and what browsers call it."""


def export(request: Request) -> dict[str, object]:
    """`name`, `type` and `data` (base64) of the file that `as` names.

    Raises `HRNetGraphError` if the spec makes no network, or nothing here draws that file.
    """
    kind, path = request.text("as"), request.text("path", "")
    if kind not in TYPES:
        raise HRNetGraphError(f"as: unknown {quoted(kind)}{did_you_mean(kind, tuple(TYPES))}")
    text = request.text("text")
    if kind == "yaml":
        return _file(Path(path).stem or "spec", kind, _encoded(text))
    found = check(text, path or None)
    if not isinstance(found.spec, Spec) or found.graph is None or found.stopped:
        raise HRNetGraphError("the spec makes no network yet; mend what is marked first")
    data = to_source(found.graph).encode() if kind == "py" else _drawn(found.graph, kind, request)
    return _file(found.spec.file_name, kind, data)


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        got = f"got half a character at {error.start}"
        raise HRNetGraphError(f"text: expected what UTF-8 can hold, {got}") from None


def _file(stem: str, kind: str, data: bytes) -> dict[str, object]:
    return {"name": f"{stem}.{kind}", "type": TYPES[kind], "data": b64encode(data).decode()}


def _drawn(graph: Graph, kind: str, request: Request) -> bytes:
    """The figure as it is seen, as a file: as `hrnet-graph render` writes it."""
    seen = sight(graph, request, title=True)
    drawing = lay_out(graph, seen.view, seen.only, seen.expand, seen.look, seen.fold)
    if kind == "svg":
        from hrnet_graph.viz.to_svg import to_svg

        return to_svg(drawing).encode()
    if kind == "pdf":
        from hrnet_graph.viz.to_pdf import to_pdf

        return to_pdf(drawing)
    from hrnet_graph.viz.to_png import RESOLUTION, fitting, to_png

    return to_png(drawing, fitting(drawing, RESOLUTION))
