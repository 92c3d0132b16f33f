"""The types of rule options: what YAML may say for them, with bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from annotated_types import Ge, Interval, Le, Len, Lt, Predicate
from typing_extensions import TypedDict  # that of typing is not for pydantic before 3.12

from hrnet_graph.rules.function import BoundRule, Named

Channels = Annotated[int, Interval(ge=1, le=65_536)]
"""A number of channels, classes or joints."""

Kernel = Annotated[int, Ge(1), Le(31), Predicate(lambda n: n % 2 == 1)]
"""The side of a square kernel, in pixels; odd, so that stride 1 keeps the size."""

Dilation = Annotated[int, Ge(1), Le(64)]
"""The step in pixels from one number of a kernel to the next."""

DropRate = Annotated[float, Ge(0), Lt(1)]
"""How often training drops something."""

Start = Annotated[float, Interval(gt=0, le=1)]
"""What learnt factors start from."""

PerBranch = Annotated[tuple[Channels, ...], Len(1, 32)]
"""One number of channels for every branch, finest first."""

Branches = Annotated[tuple[Annotated[int, Interval(ge=0, le=31)], ...], Len(1, 32)]
"""Some of the branches, 0 the finest."""

MapName = Annotated[str, Len(1, 60)]
"""The name of a map that a rule before this one remembered."""

Earlier = Annotated[tuple[MapName, ...], Len(1, 32)]
"""Names of maps that rules before this one remembered."""


Heads = Annotated[Mapping[str, BoundRule], Named("head", without=("multi",))]
"""Heads by name, each with its options."""


class SqueezeExcite(TypedDict):
    """Squeeze-and-excitation."""

    __pydantic_config__ = {  # type: ignore[misc]  # noqa: RUF012  # read by pydantic
        "extra": "forbid", "strict": True, "use_attribute_docstrings": True,
    }  # fmt: skip

    reduction: Channels
    """How many times narrower its inner layer is."""
