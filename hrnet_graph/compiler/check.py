"""What is wrong with a spec, and how much of its network there is: always a value, never raised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from hrnet_graph.analysis.cost import Report, analyze
from hrnet_graph.analysis.dead import DeadPart, dead_parts
from hrnet_graph.analysis.numbers import count_of, short
from hrnet_graph.checks import check_kind
from hrnet_graph.compiler.build import attempt, build_graph
from hrnet_graph.errors import NOWHERE, HRNetGraphError, Key, Problem, SpecError
from hrnet_graph.ir.graph import Graph
from hrnet_graph.spec.layers import blame
from hrnet_graph.spec.load import check as check_document
from hrnet_graph.spec.load import load_text
from hrnet_graph.spec.problems import problem_at
from hrnet_graph.spec.schema import Spec
from hrnet_graph.spec.source import Located


@dataclass(frozen=True)
class Check:
    r"""What there is to say about a spec, and what can be made of it.

    `graph` is the whole network where `stopped` is empty; else it is the part that could be built,
    up to the scope (or operation) that `stopped` names, with what nothing reads any more as its
    outputs. There is none where the document is no spec. A spec is valid that has no `problems`.

    Example:
        >>> found = hg.check("extends: hrnet_w32_cls\ninput: [3, 230, 224]")
        >>> found.stopped
        'stage3.0.fuse_layers.0'
        >>> [fix.title for fix in found.problems[0].fixes]
        ['set input: [3, 224, 224]', 'set fuse.upsample: bilinear']
    """

    spec: Spec | None = None
    graph: Graph | None = None
    stopped: str = ""
    problems: tuple[Problem, ...] = ()

    @cached_property
    def report(self) -> Report | None:
        """The counts of a whole network; there are none of a part."""
        return None if self.graph is None or self.stopped else analyze(self.graph)

    @cached_property
    def warnings(self) -> tuple[Problem, ...]:
        """What is legal in a valid spec and yet what nobody wants: parts that reach no output."""
        if self.problems or self.spec is None or self.graph is None:
            return ()
        return tuple(_warning(self.spec, part) for part in dead_parts(self.graph))


def check(text: str, path: str | Path | None = None) -> Check:
    r"""All that is wrong with a spec's text, and the network that it makes, or the part of one.

    The text is read as if it stood at `path`, as `load_spec` does. Nothing that it holds makes this
    raise: every fault is among the problems, with its place in the text and ways to mend it.

    Example:
        >>> found = hg.check("extends: hrnet_w32_cls\nwidht: 40")
        >>> print(found.problems[0].mark, found.problems[0].fixes[0].title)
        spec:2:1 rename widht to width
        >>> hg.check("extends: hrnet_w32_cls\nwidth: 40").report.params
        57557160
    """
    check_kind("check", text, str, "a file's is Path(file).read_text()")
    return check_what(lambda: load_text(text, path))


def check_what(load: Callable[[], Spec]) -> Check:
    """The same of the spec that a function loads."""
    spec = None
    try:
        spec = load()
        made = attempt(spec)
        return Check(spec, made.graph, made.stopped, made.problems)
    except SpecError as error:
        return Check(spec, problems=error.problems)
    except HRNetGraphError as error:
        return Check(spec, problems=(Problem(NOWHERE, "", error.message, error.hint),))
    except (RecursionError, MemoryError) as error:
        what = "memory" if isinstance(error, MemoryError) else "depth"
        message = f"the spec takes more {what} than there is"
        return Check(spec, problems=(Problem(NOWHERE, "", message),))


def _warning(spec: Spec, part: DeadPart) -> Problem:
    """A part that reaches no output, blamed on what the person wrote that is its reason."""
    return problem_at(
        blame(spec.layers, part.key, partial(_is_dead, part.key)),
        part.key,
        f"{part.place} reaches no output: {short(part.cost.params)} params and"
        f" {count_of(part.cost.macs, 'MACs')} for nothing",
        part.remedy,
        (part.fix,) if part.fix else (),
    )


def _is_dead(key: Key, root: Located) -> bool:
    """Whether a document's network has something that is dead by a key."""
    try:
        return any(part.key == key for part in dead_parts(build_graph(check_document(root))))
    except SpecError:
        return False
