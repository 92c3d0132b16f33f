"""Names that try to break out of whatever is generated from them."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder
from hrnet_graph.ir.graph import Graph, Initialisation
from hrnet_graph.ir.ops import Activation, BatchNorm

NAMES = (
    "</script><script>broken = 1</script>",
    "<img src=x onerror='broken = 1'>",
    "\"'`;--></style></title><b>",
    "line\nbreak\r\n\ttab",
    "l" + "o" * 10_000 + "ng",
    "\u202eright to left \u05e9\u05dc\u05d5\u05dd\u202c",
    "a/b\\c|d[e]{f}(g)%%end",
    "constructor",
    "\x00\x01\u2028\ud800",
    "&lt;amp#quot;${x}{{script}}",
)
"""Without dots, which part scopes."""


def hostile_graph(names: Sequence[str] = NAMES) -> Graph:
    """A chain of scopes and operations under hostile names; the network's name is one, too."""
    b = Builder(BatchNorm(), Activation("relu"))
    x = b.input((3, 16, 16))
    for branch, name in enumerate(names):
        with (
            b.scope(name, kind="stage", label=name),
            b.scope(name, kind="block", branch=branch % 2, label=name),
        ):
            x = b.norm(f"{name}bn", b.conv(name, x, 4, kernel=3))
    return b.finish(
        dict.fromkeys(names, x),
        name=names[0],
        init=Initialisation(),
        head_init=Initialisation(),
    )
