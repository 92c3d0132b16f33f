"""How a spec, a graph and a module show themselves in a notebook."""

from __future__ import annotations

from html import escape


class ShownInNotebook:
    """A network in one of its forms: a notebook shows its totals and its figure.

    This looks up the house, from whatever is shown to the drawing of it, and so imports nothing
    until a notebook asks (docs/adr/0016).
    """

    def _repr_html_(self) -> str:
        from hrnet_graph.compiler.build import build_graph
        from hrnet_graph.errors import HRNetGraphError
        from hrnet_graph.ir.graph import Graph
        from hrnet_graph.spec.schema import Spec
        from hrnet_graph.viz.notebook import to_fragment

        try:
            graph = build_graph(self) if isinstance(self, Spec) else getattr(self, "graph", self)
        except HRNetGraphError as error:
            return f"<pre>{escape(str(error))}</pre>"
        assert isinstance(graph, Graph)
        return to_fragment(graph)
