"""The catalogue for tests of every network: one of each kind in the fast suite, all in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

import hrnet_graph as hg

_ASIDE = {"name", "input", "published", "labels", "preprocess"}
"""What a spec says that no operation depends on but by its extent."""


def kind_of(value: Any) -> Any:
    """A spec without its extents: rules, choices, and which numbers are one."""
    if isinstance(value, Mapping):
        return tuple((key, kind_of(value[key])) for key in sorted(value) if key not in _ASIDE)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(dict.fromkeys(map(kind_of, value)))
    if isinstance(value, int | float) and not isinstance(value, bool) and value != 1:
        return "number"
    return value


def _kinds() -> dict[Any, str]:
    """Kind -> the narrowest network of it."""
    found: dict[Any, str] = {}
    specs = {name: hg.load_spec(name) for name in hg.list_specs()}
    for name, spec in sorted(specs.items(), key=lambda pair: pair[1].width or 0):
        found.setdefault(kind_of(spec.dump()), name)
    return found


EACH_KIND = tuple(_kinds().values())
"""One network of each kind in the catalogue, new ones as they come."""

CATALOGUE = tuple(
    name if name in EACH_KIND else pytest.param(name, marks=pytest.mark.slow)
    for name in hg.list_specs()
)
"""Every network: those like one of `EACH_KIND` but in extents are left to the slow suite."""


def name_of(parameter: Any) -> str:
    """The network that a parameter of `CATALOGUE` is."""
    return parameter if isinstance(parameter, str) else str(parameter.values[0])
