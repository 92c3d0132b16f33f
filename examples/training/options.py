"""What the command line's words mean."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Any

import yaml

import hrnet_graph as hg


def above(
    bound: int, kind: type[int] | type[float] = int, *, below: float = math.inf
) -> Callable[[str], float]:
    """What reads a finite number between the bounds, both excluded."""
    less = f" and less than {below}" if below < math.inf else ""

    def number(text: str) -> float:
        value = kind(text)
        if not bound < value < below:
            raise argparse.ArgumentTypeError(f"expected more than {bound}{less}, got {text!r}")
        return value

    return number


def change(text: str) -> tuple[str, Any]:
    """`stages.2.modules=2` -> the dotted key and the value, read as YAML."""
    key, equals, value = text.partition("=")
    try:
        if equals:
            return key, yaml.safe_load(value)
    except yaml.YAMLError as error:
        why = getattr(error, "problem", None) or "it cannot be read"
        raise hg.HRNetGraphError(f"--set {text!r}: the value is no YAML: {why}") from None
    raise hg.HRNetGraphError(f"--set {text!r}: expected KEY=VALUE, such as width=48")
