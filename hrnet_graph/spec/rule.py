"""A rule as a spec names it: a kind and its options, checked against the rule's own signature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
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

from hrnet_graph.errors import HRNetGraphError, as_yaml, did_you_mean, error_line, meant
from hrnet_graph.rules.function import DEFAULT_KINDS, Option, Role, RuleFunction
from hrnet_graph.rules.registry import is_rule, names, rule, rules
from hrnet_graph.spec.norm import Norm
from hrnet_graph.spec.part import Part


@dataclass(frozen=True)
class Rule:
    """The kind of a rule and all its options, defaults filled in."""

    kind: str
    pairs: tuple[tuple[str, Any], ...] = ()
    norm: Norm | None = None
    """The part's own normalisation, where it has one."""
    unchanged: frozenset[str] = field(default=frozenset(), compare=False)
    """The options that have their default."""

    @property
    def options(self) -> dict[str, Any]:
        """The options as keyword arguments for the rule's function."""
        return dict(self.pairs)

    @property
    def inner(self) -> dict[str, Rule]:
        """The rules that its options hold, by the names that they have there."""
        mappings = [value for _, value in self.pairs if isinstance(value, Mapping)]
        return {
            name: each
            for mapping in mappings
            for name, each in mapping.items()
            if isinstance(each, Rule)
        }

    def dump(self) -> str | dict[str, Any]:
        """The rule as a spec would state it: a kind alone bare, None by default left out."""
        stated = {
            name: _plain(value)
            for name, value in self.pairs
            if value is not None or name not in self.unchanged
        }
        if self.norm is not None:
            stated["norm"] = self.norm.model_dump(exclude_none=True)
        return {"kind": self.kind, **stated} if stated else self.kind

    def short(self) -> str | dict[str, Any]:
        """The rule with the options alone that are not their default."""
        kept = tuple(pair for pair in self.pairs if pair[0] not in self.unchanged)
        return Rule(self.kind, kept, self.norm).dump()


OWN_NORM = "Normalisation in this part alone; the spec's where unstated."
_OWN_NORM = "norm"
"""The key that every rule takes beside its options."""


def _plain(value: Any) -> Any:
    """An option as a spec would state it, rules in it too."""
    if isinstance(value, Rule):
        return value.dump()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _annotation(option: Option) -> Any:
    """The type of an option as Pydantic reads it: rules that it holds are those of a spec."""
    if option.named is None:
        return option.annotation
    each = Annotated[Rule, RuleOf(option.named.role, without=option.named.without)]
    return Annotated[Mapping[Part, each], Field(min_length=1, max_length=16)]


@cache
def _model(role: Role, kind: str) -> type[BaseModel]:
    """A model of a rule's options, derived from its signature.

    Raises `HRNetGraphError` for an option of a type that no YAML value has.
    """
    found = rule(role, kind)
    fields: dict[str, Any] = {"kind": (Literal[kind], kind)}
    for name, option in found.options.items():
        how = Field(option.default, description=option.meaning or None)
        fields[name] = (Annotated[_annotation(option), WrapValidator(_exact)], how)
    if _OWN_NORM not in fields:
        fields[_OWN_NORM] = (Norm | None, Field(None, description=OWN_NORM))
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


def _by_options(found: RuleFunction, value: Mapping[str, object]) -> Rule:
    """A rule of its kind and some options. Raises `ValidationError`."""
    options = _validator(found.role, found.name).validate_python(value)
    stated = dict(iter(options))  # not dict(options): an option may be named `keys`
    defaults, _ = found.options, stated.pop("kind")
    norm = stated.pop(_OWN_NORM) if _OWN_NORM not in defaults else None
    unchanged = frozenset(n for n in stated if stated[n] == defaults[n].default)
    return Rule(found.name, tuple(stated.items()), norm, unchanged)


@lru_cache(2**7)
def _by_kind(found: RuleFunction) -> Rule:
    """A rule whose kind alone is stated, read once."""
    return _by_options(found, {"kind": found.name})


@dataclass(frozen=True)
class RuleOf:
    """Marks a field as a rule of a role: `Annotated[Rule, RuleOf("head")]`.

    Where there may be `several`, it is one rule, or a list of them; `without` are kinds that it may
    not be.
    """

    role: Role
    several: bool = False
    without: tuple[str, ...] = ()

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(name for name in names(self.role) if name not in self.without)

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
        offered = {name: each for name, each in rules(self.role).items() if name in self._names}
        known = list(offered)
        models = [_model(self.role, kind).__pydantic_core_schema__ for kind in known]
        choices = [dict(handler.resolve_ref_schema(handler(model))) for model in models]
        summaries = [found.summary for found in offered.values()]
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
                {"role": self.role, "known": ", ".join(self._names), "got": as_yaml(value)},
            )
        kind = value["kind"]
        if problem := self._problem(kind):
            values = [near for near in [meant(kind, self._names)] if near]
            context = {"problem": problem, "values": values}
            error = PydanticCustomError("rule_kind", "{problem}", context)
            raise ValidationError.from_exception_data(
                self.role, [InitErrorDetails(type=error, loc=at, input=value)]
            )
        found = rule(self.role, kind)
        return _by_kind(found) if len(value) == 1 else _by_options(found, value)

    def _problem(self, kind: object) -> str:
        """Why there is no rule of this kind, or none that can be used."""
        if kind is None:
            return f"missing kind (known: {', '.join(self._names)})"
        if isinstance(kind, str) and kind in self.without:
            return f"a {self.role} within another cannot be {as_yaml(kind)}"
        if not isinstance(kind, str) or not is_rule(self.role, kind):
            return f"unknown {self.role} {as_yaml(kind)}{did_you_mean(kind, self._names)}"
        try:
            _validator(self.role, kind)
        except HRNetGraphError as error:
            return error.message
        return ""
