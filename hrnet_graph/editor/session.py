"""A request of the page, answered: the smallest that shows something."""

from __future__ import annotations

from collections.abc import Mapping

from hrnet_graph.compiler.check import check


def answer(request: Mapping[str, object]) -> dict[str, object]:
    """The reply to a request."""
    from hrnet_graph.viz.draw import lay_out
    from hrnet_graph.viz.to_svg import to_svg

    if request.get("do") != "check":
        return {"error": f"unknown request {str(request.get('do'))[:60]!r}"}
    found = check(str(request["text"]), str(request.get("path", "")))
    figure = to_svg(lay_out(found.graph)) if found.graph else None
    return {"problems": [{"message": str(problem)} for problem in found.problems], "figure": figure}
