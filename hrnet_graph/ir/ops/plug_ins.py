"""What other packages add to the house: entry points, loaded when somebody asks for them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

from hrnet_graph.errors import HRNetGraphError, error_line

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Group = Literal["ops", "activations"]
"""The entry point group is `hrnet_graph.ops` or `hrnet_graph.activations`."""


@cache
def points(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of the group `hrnet_graph.<group>`; nothing is imported for it."""
    from importlib.metadata import entry_points  # slow, and what is our own needs none of it

    return tuple(entry_points(group=f"hrnet_graph.{group}"))


def names(group: Group) -> tuple[str, ...]:
    """What other packages offer, by name; nothing is imported for it."""
    return tuple(dict.fromkeys(point.name for point in points(group)))


@cache
def load(group: Group, name: str) -> object:
    """One of `names`. Raises `HRNetGraphError`, in one sentence, if it cannot be loaded."""
    point, *others = (point for point in points(group) if point.name == name)
    if others:
        both = f"{point.value} and {others[0].value}"
        raise HRNetGraphError(f"two packages offer '{name}' among hrnet_graph.{group}: {both}")
    try:
        return point.load()
    except Exception as error:  # importing runs another package, which may fail in any way
        problem = f"{type(error).__name__}: {error_line(error)}"
        if isinstance(error, HRNetGraphError):  # an op that lacks a column, which says it all
            problem = error.message
        raise HRNetGraphError(
            f"'{name}' of hrnet_graph.{group} cannot be loaded from {point.value}: {problem}"
        ) from error
