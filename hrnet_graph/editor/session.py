"""A request of the page, answered: the smallest that shows something."""

from __future__ import annotations

from collections.abc import Mapping

import hrnet_graph as hg
from hrnet_graph.spec.load import load_with
from hrnet_graph.spec.source import parse


def answer(request: Mapping[str, object]) -> dict[str, object]:
    """The reply to a request."""
    from hrnet_graph.compiler.build import build_graph
    from hrnet_graph.viz.draw import lay_out
    from hrnet_graph.viz.to_svg import to_svg

    try:
        data = parse(str(request["text"]), "x.yaml").plain()
        spec = load_with(data, ())
        graph = build_graph(spec)
    except hg.HRNetGraphError as error:
        return {"problems": [{"message": str(error)}], "figure": None}
    return {"problems": [], "figure": to_svg(lay_out(graph))}
