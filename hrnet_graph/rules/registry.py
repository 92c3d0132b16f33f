"""Finds the rules: one file in `hrnet_graph/rules/<role>s/` is one rule, and plug-ins add theirs.

A rule is a function over the builder. Its name in a spec is its file's name, and its keyword-only
parameters are its options there; a line `option: Meaning.` of its docstring says what one is for.
Another package adds a rule by an entry point in the group `hrnet_graph.<role>s`, whose name is the
rule's and whose object is the function.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal, get_args, get_type_hints

from hrnet_graph.errors import HRNetGraphError

Role = Literal["stem", "block", "transition", "fuse", "head"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Option:
    """An option of a rule: type with bounds, default (`Ellipsis` if it has none), and meaning."""

    annotation: Any
    default: Any
    meaning: str


@dataclass(frozen=True)
class RuleFunction:
    """A rule as it is registered: what it does for the network, its name, and its function."""

    role: Role
    name: str
    function: Callable[..., Any]

    @cached_property
    def options(self) -> Mapping[str, Option]:
        """The keyword-only parameters of the function."""
        hints = get_type_hints(self.function, include_extras=True)
        parameters = inspect.signature(self.function).parameters.values()
        stated = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
        meanings = _meanings(inspect.getdoc(self.function) or "", [p.name for p in stated])
        return {
            p.name: Option(
                hints[p.name],
                ... if p.default is p.empty else p.default,
                meanings.get(p.name, ""),
            )
            for p in stated
        }

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return summary_of(self.function)


def summary_of(function: Callable[..., Any]) -> str:
    """The first line of a function's docstring."""
    return (inspect.getdoc(function) or "").partition("\n")[0]


def _meanings(docstring: str, names: Collection[str]) -> dict[str, str]:
    """`name: text` at the beginning of lines, each to the next name or an empty line."""
    _, *parts = re.split(rf"^({'|'.join(names)}): ", docstring, flags=re.MULTILINE)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return {name: " ".join(text.partition("\n\n")[0].split()) for name, text in pairs}


@cache
def rules(role: Role) -> Mapping[str, RuleFunction]:
    """All rules of a role by name: the project's own in alphabetical order, then plug-ins."""
    package = import_module(f"hrnet_graph.rules.{role}s")
    found = {
        info.name: RuleFunction(role, info.name, _only_function(f"{package.__name__}.{info.name}"))
        for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name)
    }
    for name, function in _plug_ins(role):
        if name in found:
            raise HRNetGraphError(f"two packages offer a {role} rule named '{name}'")
        found[name] = RuleFunction(role, name, function)
    return found


def _plug_ins(role: Role) -> Iterator[tuple[str, Callable[..., Any]]]:
    for point in entry_points(group=f"hrnet_graph.{role}s"):
        try:
            yield point.name, point.load()
        except Exception as error:
            raise HRNetGraphError(
                f"the {role} rule '{point.name}' cannot be loaded from {point.value}: {error}",
                "repair or uninstall the package that offers it",
            ) from error


def _only_function(module_name: str) -> Callable[..., Any]:
    """The one public function that a rule's file defines."""
    module = import_module(module_name)
    functions = [
        value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module_name and name[0] != "_"
    ]
    if len(functions) != 1:
        raise HRNetGraphError(f"{module_name} must define one public function, the rule")
    return functions[0]
