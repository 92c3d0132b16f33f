"""What other packages add: entry points, loaded one by one when somebody asks for them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hrnet_graph.errors import HRNetGraphError, error_line, quoted

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Kind = TypeVar("Kind")

REMEDY = "repair or uninstall the package that offers it"

_NO_STEPS = (
    "<frozen importlib",
    "<string>",
    str(Path(str(importlib.__file__)).parent),
    str(Path(__file__).with_name("ir")),
    __file__,
)
"""What imports, and what refuses: the fault lies with whoever asked for it."""


@cache
def points(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of the group `hrnet_graph.<group>`; nothing is imported for it."""
    from importlib.metadata import entry_points  # slow, and what is our own needs none of it

    return tuple(entry_points(group=f"hrnet_graph.{group}"))


def offered(group: str) -> tuple[str, ...]:
    """What other packages offer in a group, by name; nothing is imported for it."""
    return tuple(dict.fromkeys(point.name for point in points(group)))


def load(group: str, name: str, what: str, kind: type[Kind]) -> Kind:
    """One of `offered`, of the kind that it has to be; `what` is how a message calls it.

    Raises `HRNetGraphError`, in one sentence, if it is none, cannot be loaded, or is offered twice.
    """
    point, *others = (point for point in points(group) if point.name == name)
    if others:
        both = f"{point.value} and {others[0].value}"
        raise HRNetGraphError(f"two packages offer {what}: {both}", "uninstall one of them")
    with loading(what, point.value):
        found = point.load()
    if not isinstance(found, kind):
        article = "an" if kind.__name__[0] in "AEIO" else "a"
        expected = f"expected {article} {kind.__name__}, got {quoted(found)}"
        raise HRNetGraphError(f"{what} of {point.value}: {expected}", REMEDY)
    return found


@contextmanager
def loading(what: str, source: str) -> Iterator[None]:
    """Says in one sentence, with file and line, that what is imported here cannot be.

    Importing runs a file of anybody's, which may fail in any way, or end the process.
    """
    try:
        yield
    except HRNetGraphError:  # an op that lacks a column, which says it all
        raise
    except (Exception, SystemExit) as error:
        place = place_of(error)
        where = f"{source} at {place}" if place else source
        problem = f"{type(error).__name__}: {error_line(error)}"
        raise HRNetGraphError(f"{what} cannot be loaded from {where}: {problem}", REMEDY) from error


def place_of(error: BaseException, within: str = "") -> str:
    """File and line of the last step to an error (the last in the file `within`, if it is given).

    What imports or refuses is no step; nothing is returned if there is no other.
    """
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    place, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file == within or not (within or file.startswith(_NO_STEPS)):
            place = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
