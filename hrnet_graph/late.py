"""What a floor asks of a higher one: bound by name when a user asks, so that no arrow goes up."""

from __future__ import annotations

from importlib import import_module

MEASURING = "hrnet_graph.benchmark.recommend"
"""The module whose `recommend` tries engines for a question, each in a process of its own."""

NOTEBOOK = "hrnet_graph.viz.notebook"
"""The module whose `html_of(value)` shows a value in a notebook."""


def html_of(value: object) -> str:
    """A spec, a graph, a network or a report on one as a notebook shows it, as HTML."""
    return str(import_module(NOTEBOOK).html_of(value))


def measured(*asked: object) -> object:
    """The choice of an engine, measured as `MEASURING` does."""
    return import_module(MEASURING).recommend(*asked)
