"""The editor's questions and answers: a request in JSON to a reply in JSON, and nothing kept.

It is asked by the server's worker and by a page that runs Python itself: it needs neither torch
nor a file system, and what it remembers of earlier texts saves time alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hrnet_graph.editor.exports import export
from hrnet_graph.editor.request import Request
from hrnet_graph.editor.update import update
from hrnet_graph.editor.words import changed, completions, meaning
from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted
from hrnet_graph.spec.catalogue import list_specs
from hrnet_graph.spec.source import read_text

Reply = dict[str, object]


def answer(request: Mapping[str, object]) -> Reply:
    """What a request comes to; `{"error": sentence}` for one that cannot be answered.

    `do` names it: `check`, `complete`, `hover`, `set`, `stage`, `format`, `export`, `catalogue`.
    """
    try:
        asked = Request(request)
        do = asked.text("do")
        if do not in _ANSWERS:
            known = did_you_mean(do, tuple(_ANSWERS))
            raise HRNetGraphError(f"unknown request {quoted(do)}{known}")
        return _ANSWERS[do](asked)
    except HRNetGraphError as error:
        return {"error": str(error)}


def _catalogue(request: Request) -> Reply:
    """The names of all published networks, or the text of one."""
    name = request.text("name", "")
    if not name:
        return {"names": list_specs()}
    if name not in list_specs():
        raise HRNetGraphError(f"no spec named {quoted(name)}{did_you_mean(name, list_specs())}")
    from hrnet_graph.spec.catalogue import find

    return {"name": f"{name}.yaml", "text": read_text(find(name))}


_ANSWERS: Mapping[str, Callable[[Request], Reply]] = {
    "check": update,
    "export": export,
    "catalogue": _catalogue,
    "complete": completions,
    "hover": meaning,
    **dict.fromkeys(("set", "format", "stage"), changed),
}
