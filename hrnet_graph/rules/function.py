"""A rule as a value: its function, the options that its signature states, and its calls."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal, get_args, get_type_hints

from typing_extensions import Doc

from hrnet_graph.errors import (
    HRNetGraphError,
    Key,
    NormError,
    RuleError,
    ShapeError,
    error_line,
    quoted,
)
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import Op
from hrnet_graph.plug_ins import place_of

Role = Literal["stem", "block", "transition", "fuse", "neck", "head"]
ROLES: tuple[Role, ...] = get_args(Role)

OPERANDS: Mapping[Role, str] = {
    "stem": "b, x",
    "block": "b, x, channels",
    "transition": "b, maps, widths",
    "fuse": "b, maps, outputs",
    "neck": "b, maps",
    "head": "b, maps",
}
"""What a rule of each role is called with, before its options; a block that is one of all branches
together takes `b, maps, channels`."""

FURTHER: Mapping[Role, tuple[str, ...]] = {"block": ("stride", "activated")}
"""What a rule may take besides, with a default: a block that has no `stride`
keeps the resolution, and one that has no `activated` always does what it does at its end."""

DEFAULT_KINDS: Mapping[Role, str] = {
    "stem": "conv",
    "block": "basic",
    "transition": "strided",
    "fuse": "sum",
}
"""The published choice, where a spec gives options without a kind."""


@dataclass(frozen=True)
class Named:
    """Marks an option that maps names to rules of a role: `Annotated[Mapping[...], Named("head")]`.

    The rule is called with each of them bound to its options; `without` are kinds that it may not
    hold.
    """

    role: Role
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    """An option of a rule: type with bounds, default (`Ellipsis` if it has none), and meaning."""

    annotation: Any
    default: Any
    meaning: str

    @property
    def named(self) -> Named | None:
        """What rules it holds, if it is a mapping of some."""
        marks = getattr(self.annotation, "__metadata__", ())
        return next((mark for mark in marks if isinstance(mark, Named)), None)


@dataclass(frozen=True)
class RuleFunction:
    """A rule as it is registered: what it does for the network, its name, and its function."""

    role: Role
    name: str
    function: Callable[..., Any]

    @cached_property
    def options(self) -> Mapping[str, Option]:
        """The keyword-only parameters of the function.

        Raises `HRNetGraphError`, with file and line, for a signature that cannot be options.
        """
        stated = self._keyword_only()
        try:
            hints = get_type_hints(self.function, include_extras=True)
        except Exception as error:  # an annotation is any expression of another's file
            raise self.refusal(f"an annotation does not resolve: {error_line(error)}") from error
        meanings = _meanings(inspect.getdoc(self.function) or "", [p.name for p in stated])
        found = {}
        for p in stated:
            if p.name not in hints:
                raise self.refusal(f"the option '{p.name}' has no type; expected {p.name}: TYPE")
            if p.name == "kind" or p.name.startswith("_"):
                hint = "`kind` names the rule itself" if p.name == "kind" else "it begins with '_'"
                raise self.refusal(f"no option can be named '{p.name}': {hint}")
            default = ... if p.default is p.empty else p.default
            meaning = meanings.get(p.name) or _documentation(hints[p.name])
            found[p.name] = Option(hints[p.name], default, meaning)
        return found

    def _keyword_only(self) -> list[inspect.Parameter]:
        """The parameters that are options, beside the operands that a rule of this role takes."""
        parameters = inspect.signature(self.function).parameters.values()
        operands = OPERANDS[self.role]
        count = operands.count(",") + 1 + len(self.further)
        expected = f"expected ({operands}, *, options): options are keyword-only, behind the `*`"
        if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
            raise self.refusal(f"{expected}, each by its name")
        if sum(p.kind is not p.KEYWORD_ONLY for p in parameters) != count:
            got = ", ".join(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
            raise self.refusal(f"{expected}, got ({got}) in front of it")
        return [p for p in parameters if p.kind is p.KEYWORD_ONLY]

    @cached_property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return summary_of(self.function)

    @cached_property
    def is_joint(self) -> bool:
        """Whether it is a block of all branches together, with maps and widths for operands."""
        return self.role == "block" and "maps" in inspect.signature(self.function).parameters

    @cached_property
    def further(self) -> tuple[str, ...]:
        """Which operands it takes besides those that all rules of its role do."""
        stated = inspect.signature(self.function).parameters.values()
        known = FURTHER.get(self.role, ())
        return tuple(p.name for p in stated if p.kind is not p.KEYWORD_ONLY and p.name in known)

    def refusal(self, problem: str, place: str = "") -> HRNetGraphError:
        """What is wrong with the rule, in one sentence that names its file and line."""
        code = self.function.__code__
        place = place or f"{code.co_filename}:{code.co_firstlineno}"
        return HRNetGraphError(
            f"the {self.role} rule '{self.name}' is broken at {place}: {problem}"
        )


def _meanings(docstring: str, names: Collection[str]) -> dict[str, str]:
    """`name: text` at the beginning of lines, each to the next name or an empty line."""
    _, *parts = re.split(rf"^({'|'.join(names)}): ", docstring, flags=re.MULTILINE)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return {name: " ".join(text.partition("\n\n")[0].split()) for name, text in pairs}


class MisfitError(Exception):
    """A rule that cannot be applied, and the key of the spec that asked for it, or what finds that.

    `builder` has what was written by then, where a whole network was to be built.
    """

    def __init__(self, key: Key | Callable[[], Key], error: HRNetGraphError) -> None:
        super().__init__(key, error)
        self._key = key
        self.error = error
        self.builder: Builder | None = None

    @cached_property
    def key(self) -> Key:
        """The key to blame."""
        return self._key() if callable(self._key) else self._key


@dataclass(frozen=True, eq=False)
class BoundRule:
    """A rule with its options given; `key` is where the spec states it.

    `is_inner` is one that another rule's option holds; `norm` gives the normalisation that the part
    has for itself, where it has one. `what` says all of this, if anything does.
    """

    rule: RuleFunction
    options: Mapping[str, Any]
    key: Key
    is_inner: bool = False
    norm: Callable[[], Op | None] | None = None
    what: Hashable = None

    def __call__(self, b: Builder, *operands: Any) -> Any:
        """Applies the rule. Raises `MisfitError` for what the spec asks of it and cannot be had.

        A `RuleError` that blames no option passes, since it is the whole that is to blame; an inner
        rule is blamed itself.
        """
        b.calls.append((self, operands))
        try:
            with b.normalised_by(self.norm):
                result = b.once(self.what, partial(self.rule.function, **self.options), *operands)
        except RuleError as error:
            if not (error.option or self.is_inner):
                raise
            raise MisfitError((*self.key, *error.option), error) from None
        except ShapeError as error:
            raise MisfitError(self._blamed_for(error), error) from None
        except (HRNetGraphError, MisfitError):
            raise
        except Exception as error:  # a rule is anybody's code, and one that fails is told as such
            problem = f"{type(error).__name__}: {error_line(error)}"
            place = place_of(error, self.rule.function.__code__.co_filename)
            raise MisfitError(self.key, self.rule.refusal(problem, place)) from error
        if not _is_result(self.rule, result):
            expected = "a value" if _gives_one(self.rule) else "values"
            got = f"expected it to return {expected} of the builder, got {quoted(result)}"
            raise MisfitError(self.key, self.rule.refusal(got))
        if self.rule.role in ("transition", "fuse") or self.rule.is_joint:
            wanted = operands[1] if self.rule.role == "fuse" else len(operands[1])
            if len(result) != wanted:
                got = f"expected it to return {wanted} maps, got {len(result)}"
                raise MisfitError(self.key, self.rule.refusal(got))
        return result

    def _blamed_for(self, error: ShapeError) -> Key:
        """The key of what makes operands unfit: the rule, or the norm that it has."""
        if not isinstance(error, NormError):
            return self.key
        return (*self.key, "norm", "groups") if self.norm else ("norm", "groups")


def _documentation(annotation: Any) -> str:
    """What a type says of itself: `Annotated[int, Doc("How many.")]`."""
    said = (each.documentation for each in get_args(annotation)[1:] if isinstance(each, Doc))
    return next(said, "")


def _gives_one(rule: RuleFunction) -> bool:
    """Whether a rule makes one map."""
    return rule.role == "stem" or (rule.role == "block" and not rule.is_joint)


def _is_result(rule: RuleFunction, result: object) -> bool:
    """Whether a rule may return this."""
    if isinstance(result, Value):
        return rule.role == "head" or _gives_one(rule)
    if isinstance(result, Mapping) and rule.role == "head":
        if not all(isinstance(name, str) and name for name in result):
            return False
        result = [*result.values()]
    if _gives_one(rule) or not isinstance(result, Sequence) or not result:
        return False
    return all(isinstance(value, Value) for value in result)


def summary_of(function: Callable[..., Any]) -> str:
    """The first line of a function's docstring."""
    return (inspect.getdoc(function) or "").partition("\n")[0]
