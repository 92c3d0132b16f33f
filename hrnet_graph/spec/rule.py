"""A rule as a spec names it: a kind and its options, checked against the rule's own signature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    create_model,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import (
    CoreSchema,
    InitErrorDetails,
    PydanticCustomError,
    ValidationError,
    core_schema,
)

from hrnet_graph.errors import did_you_mean, quoted
from hrnet_graph.rules.registry import Role, RuleFunction, rules

DEFAULT_KINDS: Mapping[Role, str] = {
    "stem": "conv",
    "block": "basic",
    "transition": "strided",
    "fuse": "sum",
}
"""The published choice, where a spec gives options without a kind."""


@dataclass(frozen=True)
class Rule:
    """The kind of a rule and all its options, defaults filled in."""

    kind: str
    pairs: tuple[tuple[str, Any], ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """The options as keyword arguments for the rule's function."""
        return dict(self.pairs)

    def dump(self) -> str | dict[str, Any]:
        """The rule as a spec would state it: options left at None left out, a kind alone bare."""
        stated = {name: value for name, value in self.pairs if value is not None}
        return {"kind": self.kind, **stated} if stated else self.kind


def tag_of(rule: RuleFunction) -> str:
    """The part by which pydantic marks, in an error's location, which rule's options it checked."""
    return f"@{rule.role}.{rule.name}"


def options_model(rule: RuleFunction) -> type[BaseModel]:
    """A model of the rule's options, derived from its signature."""
    fields: dict[str, Any] = {
        name: (option.annotation, Field(option.default, description=option.meaning or None))
        for name, option in rule.options.items()
    }
    kind: Any = (Literal[rule.name], rule.name)
    return create_model(
        f"{rule.name}_{rule.role}",
        __config__=ConfigDict(extra="forbid", strict=True),
        __doc__=rule.summary,
        kind=kind,
        **fields,
    )


@dataclass(frozen=True)
class RuleOf:
    """Marks a field as a rule of a role: `Annotated[Rule, RuleOf("head")]`."""

    role: Role

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        known = rules(self.role).values()
        choices = core_schema.tagged_union_schema(
            {tag_of(rule): handler.generate_schema(options_model(rule)) for rule in known},
            discriminator=lambda value: f"@{self.role}.{value['kind']}",
        )
        return core_schema.chain_schema(
            [
                core_schema.no_info_before_validator_function(self._spell_out, choices),
                core_schema.no_info_plain_validator_function(_to_rule),
            ],
            serialization=core_schema.plain_serializer_function_ser_schema(Rule.dump),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        steps = schema["steps"][0]["schema"]["choices"].values()
        choices = [dict(handler.resolve_ref_schema(handler(step))) for step in steps]
        for choice in choices:
            choice.pop("required", None)  # a spec that extends another states only what changes
        return {"anyOf": [{"enum": list(rules(self.role))}, *choices]}

    def _spell_out(self, value: object) -> dict[str, Any]:
        """A rule's mapping, the shorthand (a kind alone) and the default kind written out."""
        known = tuple(rules(self.role))
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
                {"role": self.role, "known": ", ".join(known), "got": quoted(value)},
            )
        kind = value["kind"]
        if kind in known:
            return dict(value)
        problem = (
            f"unknown {self.role} {quoted(kind)}{did_you_mean(kind, known)}"
            if kind is not None
            else f"missing kind (known: {', '.join(known)})"
        )
        error = PydanticCustomError("rule_kind", "{problem}", {"problem": problem})
        raise ValidationError.from_exception_data(
            self.role, [InitErrorDetails(type=error, loc=at, input=value)]
        )


def _to_rule(options: BaseModel) -> Rule:
    """The checked options as a value."""
    fields = dict(iter(options))  # not dict(options), which takes an option named keys for a method
    return Rule(fields.pop("kind"), tuple(fields.items()))
