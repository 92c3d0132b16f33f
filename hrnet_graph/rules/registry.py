"""Finds the rules: one file in `hrnet_graph/rules/<role>s/` is one rule, and plug-ins add theirs.

A rule is a function over the builder. Its name in a spec is its file's name, and its keyword-only
parameters are its options there; a line `option: Meaning.` of its docstring says what one is for.
Another package adds a rule by an entry point in the group `hrnet_graph.<role>s`, whose name is the
rule's and whose object is the function.

Names are known without importing anything. A rule is imported when a spec names it, so that one
that is broken stops the specs that name it and nothing else (docs/adr/0046).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any

from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.plug_ins import load, loading, offered, points
from hrnet_graph.rules.function import ROLES, Role, RuleFunction


@cache
def own_names(role: Role) -> tuple[str, ...]:
    """The names of the project's own rules of a role, in alphabetical order."""
    files = (Path(__file__).parent / f"{role}s").glob("*.py")
    return tuple(sorted(path.stem for path in files if path.stem != "__init__"))


@cache
def names(role: Role) -> tuple[str, ...]:
    """The names of all rules of a role, the project's own first; nothing is imported for it."""
    return tuple(dict.fromkeys((*own_names(role), *offered(f"{role}s"))))


def is_rule(role: Role, name: object) -> bool:
    """Whether a rule of a role has this name; the project's own are known at once."""
    return name in own_names(role) or name in names(role)


@cache
def rule(role: Role, name: str) -> RuleFunction:
    """A rule by its name, which is one of `names`; one of the project's own comes before plug-ins.

    Raises `HRNetGraphError`, in one sentence with file and line, if it cannot be loaded or its
    signature cannot be options.
    """
    found = RuleFunction(role, name, _function(role, name))
    found.options  # noqa: B018 (read once here, so that what is wrong with them is said here)
    return found


@cache
def rules(role: Role) -> Mapping[str, RuleFunction]:
    """All rules of a role that can be loaded, by name, the project's own first."""
    return {name: rule(role, name) for name in names(role) if not problem_of(role, name)}


def broken_rules() -> tuple[str, ...]:
    """What is wrong with each rule that no spec can name, in one sentence each."""
    taken = (
        f"the {role} rule '{point.name}' of {point.value} is never used: the name is taken"
        for role in ROLES
        for point in points(f"{role}s")
        if point.name in own_names(role)
    )
    problems = (problem_of(role, name) for role in ROLES for name in names(role))
    return (*(problem for problem in problems if problem), *taken)


def problem_of(role: Role, name: str) -> str:
    """Why a rule cannot be loaded; nothing if it can."""
    try:
        rule(role, name)
    except HRNetGraphError as error:
        return error.message
    return ""


def _function(role: Role, name: str) -> Callable[..., Any]:
    """The function of a rule, from its own file or from another package."""
    of = f"the {role} rule '{name}'"
    if name not in own_names(role):
        return load(f"{role}s", name, of, FunctionType)
    source = f"{__package__}.{role}s.{name}"
    with loading(of, source):
        return _only_function(of, source)


def _only_function(of: str, module_name: str) -> Callable[..., Any]:
    """The one public function that a rule's file defines."""
    module = import_module(module_name)
    functions = [
        value
        for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module_name and key[0] != "_"
    ]
    if len(functions) != 1:
        got = ", ".join(function.__name__ for function in functions) or "none"
        expected = "expected one public function, the rule"
        raise HRNetGraphError(f"{of} is broken at {module.__file__}:1: {expected}, got {got}")
    return functions[0]
