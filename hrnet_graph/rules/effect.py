"""Which options of a rule have an effect: found by writing it anew with other values."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Literal, get_args, get_origin

from hrnet_graph.errors import Key
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.function import DEFAULT_KINDS, BoundRule, RuleFunction
from hrnet_graph.rules.registry import rule

NewBuilder = Callable[[], Builder]
"""An empty builder with the network's normalisation and activation."""


Keep = Callable[[Hashable, Callable[[], "list[Finding]"]], "list[Finding]"]
"""Answers what is asked, and may know it: of what, if that can be said, and how it is found."""

Finding = tuple[Key, tuple[str, object] | None]
"""The key of what is stated and changes nothing, and what it is read with: another option and its
value, where there is one."""


def without_effect(
    calls: Iterable[tuple[BoundRule, Sequence[Any]]], builder: NewBuilder, keep: Keep
) -> Iterator[Finding]:
    """What is stated of rules that were called and changes nothing.

    That is an option, or a kind in whose place the usual one writes the same. What is the default
    is stated by nobody, and not asked about. `keep` answers what it was asked before.
    """
    at: dict[Key, tuple[BoundRule, dict[Hashable, Sequence[Any]]]] = {}
    for bound, operands in calls:
        at.setdefault(bound.key, (bound, {}))[1].setdefault(_signature(operands), operands)
    for bound, seen in at.values():
        trials = [_Trial(bound, operands, builder) for operands in seen.values()]
        what = bound.what and (bound.what, frozenset(seen))
        yield from keep(what, partial(_without_effect, bound, trials))


def _without_effect(bound: BoundRule, trials: Sequence[_Trial]) -> list[Finding]:
    """The same of one rule."""
    own, options = bound.rule, bound.options
    plain = {name: option for name, option in own.options.items() if not option.named}
    usual = {name: option.default for name, option in plain.items()}
    stated = [name for name in usual if options[name] not in (usual[name], None)]
    is_usual = own.name == DEFAULT_KINDS.get(own.role, own.name)
    if is_usual and not stated:
        return []
    if not is_usual and not any(trial.reads_kind() for trial in trials):
        return [(bound.key, None)]
    return [
        ((*bound.key, name), _needs(name, trials))
        for name in stated
        if not any(trial.reads(name) for trial in trials)
    ]


@dataclass(frozen=True)
class _Trial:
    """A rule with its options, and the operands that it was called with once."""

    bound: BoundRule
    operands: Sequence[Any]
    builder: NewBuilder

    def reads(self, name: str) -> bool:
        """Whether another value of an option would make another network, or none."""
        own, options = self.bound.rule, self.bound.options
        return any(
            self._write(own, {**options, name: value}) != self.written
            for value in _others(options[name], own.options[name].default)
        )

    def reads_kind(self) -> bool:
        """Whether the usual kind would make another network, or none."""
        role = self.bound.rule.role
        return self._write(rule(role, DEFAULT_KINDS[role]), {}) != self.written

    def having(self, name: str, value: object) -> _Trial:
        """The same with another value of an option."""
        bound = replace(self.bound, options={**self.bound.options, name: value})
        return replace(self, bound=bound)

    @cached_property
    def written(self) -> object:
        """What the rule writes as it is."""
        return self._write(self.bound.rule, self.bound.options)

    def _write(self, rule: RuleFunction, options: Mapping[str, Any]) -> object:
        b = self.builder()
        b.take(_values(self.operands))
        try:
            with b.normalised_by(self.bound.norm):
                return rule.function(b, *self.operands, **options), b.written
        except Exception as error:  # a rule is anybody's code; what it refuses it has read
            return error


def _needs(name: str, trials: Sequence[_Trial]) -> tuple[str, object] | None:
    """What another option has to be for this one to be read, if one word of it is enough."""
    for other, option in (trials[0].bound.rule.options if trials else {}).items():
        words = (False, True) if option.annotation is bool else _words(option.annotation)
        for word in words if other != name else ():
            if any(trial.having(other, word).reads(name) for trial in trials):
                return other, word
    return None


def _others(value: Any, default: Any) -> Iterator[Any]:
    """Values beside the one that an option has: its default first, then near and far ones."""
    if default is not ... and default != value:
        yield default
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from {value + 1, value - 1, value + 2, 2 * value, value // 2, 1, 16 * value} - {value}
    elif isinstance(value, float):
        yield from (value / 2, value * 2 + 1)
    elif isinstance(value, tuple | list) and value:
        yield from (type(value)((other, *value[1:])) for other in _others(value[0], ...))
    elif isinstance(value, str) and default is ...:
        yield f"{value}_"


def _words(annotation: Any) -> Iterator[str]:
    """The words that a type is a choice of."""
    if get_origin(annotation) is Literal:
        yield from (word for word in get_args(annotation) if isinstance(word, str))
    else:
        for inner in get_args(annotation):
            yield from _words(inner)


def _values(operand: Any) -> Iterator[Value]:
    """The values among what a rule was called with."""
    if isinstance(operand, Value):
        yield operand
    elif isinstance(operand, Sequence) and not isinstance(operand, str):
        for item in operand:
            yield from _values(item)


_ROW = (list, tuple)
"""What most sequences are, which is quickly told."""


def _signature(operand: Any) -> Hashable:
    """What a rule can tell of its operands."""
    if isinstance(operand, Value):
        return operand.type, operand.far, operand.pending
    if isinstance(operand, _ROW) or (
        isinstance(operand, Sequence) and not isinstance(operand, str)
    ):
        return tuple([_signature(item) for item in operand])
    assert isinstance(operand, Hashable)
    return operand
