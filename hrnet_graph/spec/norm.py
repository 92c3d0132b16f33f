"""The normalisation of a network, or of one part of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from hrnet_graph.errors import as_yaml
from hrnet_graph.ir.ops import BatchNorm, FrozenBatchNorm, GroupNorm, InstanceNorm, LayerNorm, Op
from hrnet_graph.spec.meaning import meaning_of, one_line
from hrnet_graph.spec.part import Checked, Trouble

Kind = Literal["batch", "sync_batch", "frozen_batch", "group", "layer", "instance", "none"]


class Norm(Checked):
    """What brings maps to mean 0 and variance 1, before a learnt scale and shift."""

    kind: Kind = "batch"
    """Over what values are normalised. `batch`: each channel over a training batch, as published.
    `sync_batch`: the same over the batches of all processes. `frozen_batch`: by statistics, scale
    and shift that training leaves as they are. `group`: groups of channels, each image alone.
    `layer`: all channels of each pixel. `instance`: each channel of each image alone. `none`:
    nothing is, and convolutions have biases instead."""
    eps: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1e-5
    """Added to the variance."""
    momentum: Annotated[float, Field(ge=0, le=1)] | None = None
    """Weight of a new batch in the running statistics; 0.1 where unstated. Not for other kinds than
    `batch` and `sync_batch`."""
    groups: Annotated[int, Field(ge=1, le=65_536)] | None = None
    """Number of groups, which must divide every width. `group` alone."""

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, value: object) -> object:
        if isinstance(value, str):
            return {"kind": value}
        if isinstance(value, Mapping | Norm):
            return value
        context = {"known": ", ".join(get_args(Kind)), "got": as_yaml(value)}
        raise PydanticCustomError(
            "norm_type", "expected a norm (one of {known}), got {got}", context
        )

    def _troubles(self) -> Iterator[Trouble]:
        if self.kind == "group" and self.groups is None:
            yield ("groups",), "missing; group normalisation needs a number of groups"

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """A kind alone, or a mapping."""
        mapping = handler(core)
        kind = handler.resolve_ref_schema(mapping)["properties"]["kind"]
        text = one_line(kind["description"])
        meanings = [meaning_of(word, text) for word in kind["enum"]]
        return {"anyOf": [{"enum": kind["enum"], "enumDescriptions": meanings}, mapping]}

    def op(self) -> Op | None:
        """What is added behind a convolution, if anything is."""
        if self.kind == "none":
            return None
        if self.kind == "group":
            assert self.groups is not None
            return GroupNorm(self.groups, self.eps)
        if self.kind == "layer":
            return LayerNorm(self.eps)
        if self.kind == "instance":
            return InstanceNorm(self.eps)
        if self.kind == "frozen_batch":
            return FrozenBatchNorm(self.eps)
        momentum = 0.1 if self.momentum is None else self.momentum
        return BatchNorm(self.eps, momentum, synchronised=self.kind == "sync_batch")


def plain(norm: Norm) -> dict[str, Any] | str:
    """A norm as a spec would state it: a kind alone bare."""
    stated = norm.model_dump(exclude_defaults=True)
    return {"kind": norm.kind, **stated} if stated.keys() - {"kind"} else norm.kind
