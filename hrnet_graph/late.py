"""What a floor asks of a higher one: bound by name when a user asks, so that no arrow goes up."""

from __future__ import annotations

from importlib import import_module

NOTEBOOK = "hrnet_graph.viz.notebook"
"""The module whose `html_of(value)` shows a spec, a graph or a network in a notebook."""


def html_of(value: object) -> str:
    """A spec, a graph or a network as a notebook shows it: its totals and its figure, as HTML."""
    return str(import_module(NOTEBOOK).html_of(value))
