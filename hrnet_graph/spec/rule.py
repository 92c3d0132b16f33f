"""A rule as a spec names it: a kind and its options, checked against the rule's own signature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PydanticUserError,
    ValidationError,
    WrapValidator,
    create_model,
)
from pydantic.annotated_handlers import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import InitErrorDetails, PydanticCustomError, SchemaValidator, core_schema

from hrnet_graph.errors import HRNetGraphError, did_you_mean, error_line, meant, quoted
from hrnet_graph.rules.function import DEFAULT_KINDS, Role
from hrnet_graph.rules.registry import is_rule, names, rule, rules


@dataclass(frozen=True)
class Rule:
    """The kind of a rule and all its options, defaults filled in."""

    kind: str
    pairs: tuple[tuple[str, Any], ...] = ()
    unchanged: frozenset[str] = field(default=frozenset(), compare=False)
    """The options that have their default."""

    @property
    def options(self) -> dict[str, Any]:
        """The options as keyword arguments for the rule's function."""
        return dict(self.pairs)

    def dump(self) -> str | dict[str, Any]:
        """The rule as a spec would state it: options left at None left out, a kind alone bare."""
        stated = {name: value for name, value in self.pairs if value is not None}
        return {"kind": self.kind, **stated} if stated else self.kind

    def short(self) -> str | dict[str, Any]:
        """The rule with the options alone that are not their default."""
        kept = tuple(pair for pair in self.pairs if pair[0] not in self.unchanged)
        return Rule(self.kind, kept).dump()


@cache
def _model(role: Role, kind: str) -> type[BaseModel]:
    """A model of a rule's options, derived from its signature.

    Raises `HRNetGraphError` for an option of a type that no YAML value has.
    """
    found = rule(role, kind)
    fields: dict[str, Any] = {"kind": (Literal[kind], kind)}
    for name, option in found.options.items():
        how = Field(option.default, description=option.meaning or None)
        fields[name] = (Annotated[option.annotation, WrapValidator(_exact)], how)
    try:
        return create_model(
            f"{kind}_{role}",
            __config__=ConfigDict(extra="forbid", strict=True, protected_namespaces=()),
            __doc__=found.summary,
            **fields,
        )
    except (PydanticUserError, TypeError) as error:
        reason = f"its options cannot be read from YAML: {error_line(error)}"
        raise found.refusal(reason) from error


def _exact(value: object, read: Callable[[object], object]) -> object:
    """What a value is read as; `true` and `2.0` are no whole numbers, not of a choice either."""
    found = read(value)
    if type(found) is int and type(value) is not int:
        raise PydanticCustomError("int_type", "", {})
    return found


@cache
def _validator(role: Role, kind: str) -> SchemaValidator:
    """Checks a mapping of options; the tag in an error's location says which rule's they are."""
    tag = f"@{role}.{kind}"
    choice = {tag: _model(role, kind).__pydantic_core_schema__}
    return SchemaValidator(core_schema.tagged_union_schema(choice, discriminator=lambda _: tag))


_ONE, _SEVERAL = "tuple[no]", "tuple[yes]"
"""How an error's location says whether a list of rules was meant; no part of a key."""


def _dump(value: Rule | tuple[Rule, ...]) -> object:
    """A rule, or each of several, as a spec would state it."""
    return tuple(map(Rule.dump, value)) if isinstance(value, tuple) else value.dump()


@dataclass(frozen=True)
class RuleOf:
    """Marks a field as a rule of a role: `Annotated[Rule, RuleOf("head")]`.

    Where there may be `several`, it is one rule, or a list of them.
    """

    role: Role
    several: bool = False

    def __get_pydantic_core_schema__(
        self, _: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        dumped = core_schema.plain_serializer_function_ser_schema(_dump)
        one = core_schema.no_info_plain_validator_function(self._read, serialization=dumped)
        if not self.several:
            return one
        choice: dict[Any, core_schema.CoreSchema] = {
            _ONE: one,
            _SEVERAL: core_schema.tuple_variable_schema(one, min_length=1),
        }
        return core_schema.tagged_union_schema(
            choice,
            discriminator=lambda value: _SEVERAL if isinstance(value, list | tuple) else _ONE,
            serialization=dumped,
        )

    def __get_pydantic_json_schema__(
        self, _: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        known = list(rules(self.role))
        models = [_model(self.role, kind).__pydantic_core_schema__ for kind in known]
        choices = [dict(handler.resolve_ref_schema(handler(model))) for model in models]
        summaries = [found.summary for found in rules(self.role).values()]
        for kind, summary, choice in zip(known, summaries, choices, strict=True):
            choice.pop("required", None)  # a spec that extends another states only what changes
            default = {"default": kind} if kind == DEFAULT_KINDS.get(self.role) else {}
            stated = {"const": kind, "type": "string", "description": summary, **default}
            choice["properties"] = {**choice["properties"], "kind": stated}
        one = {"anyOf": [{"enum": known, "enumDescriptions": summaries}, *choices]}
        if not self.several:
            return one
        return {"anyOf": [*one["anyOf"], {"type": "array", "items": one, "minItems": 1}]}

    def _read(self, value: object) -> Rule:
        """A rule by its mapping, by the shorthand (a kind alone), or of the default kind."""
        at: tuple[str, ...] = ()
        if isinstance(value, Rule):
            value = value.dump()
        if isinstance(value, str):
            value = {"kind": value}
        elif isinstance(value, Mapping):
            value, at = {"kind": DEFAULT_KINDS.get(self.role), **value}, ("kind",)
        else:
            raise PydanticCustomError(
                "rule_type",
                "expected a {role} (one of {known}), got {got}",
                {"role": self.role, "known": ", ".join(names(self.role)), "got": quoted(value)},
            )
        kind = value["kind"]
        if problem := self._problem(kind):
            values = [near for near in [meant(kind, names(self.role))] if near]
            context = {"problem": problem, "values": values}
            error = PydanticCustomError("rule_kind", "{problem}", context)
            raise ValidationError.from_exception_data(
                self.role, [InitErrorDetails(type=error, loc=at, input=value)]
            )
        options = _validator(self.role, kind).validate_python(value)
        stated = dict(iter(options))  # not dict(options): an option may be named `keys`
        defaults = rule(self.role, stated.pop("kind")).options
        unchanged = frozenset(n for n in stated if stated[n] == defaults[n].default)
        return Rule(kind, tuple(stated.items()), unchanged)

    def _problem(self, kind: object) -> str:
        """Why there is no rule of this kind, or none that can be used."""
        if kind is None:
            return f"missing kind (known: {', '.join(names(self.role))})"
        if not isinstance(kind, str) or not is_rule(self.role, kind):
            return f"unknown {self.role} {quoted(kind)}{did_you_mean(kind, names(self.role))}"
        try:
            _validator(self.role, kind)
        except HRNetGraphError as error:
            return error.message
        return ""
