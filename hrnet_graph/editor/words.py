"""What helps while one types: completion, meanings, and changes of the text."""

from __future__ import annotations

from hrnet_graph.editor import stand_in
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.editor.request import Request


def assist(request: Request) -> dict[str, object]:
    """The reply to `complete`, `hover`, `set`, `remove` and `format`."""
    do, text = request.text("do"), request.text("text")
    if do == "set":
        return {"text": stand_in.set_value(text, request.text("key"), request.value("value"))}
    raise HRNetGraphError("not here yet")
