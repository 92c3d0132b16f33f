"""Several heads on one backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hrnet_graph.errors import RuleError
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.options import Heads


def multi(b: Builder, maps: Sequence[Value], *, heads: Heads) -> dict[str, Value]:
    """Several heads, each of all maps and under a name of its own.

    maps[i]: (C_i, H/2^i, W/2^i) -> NAME: what the head of that name gives; one that gives several
    has NAME.RESULT for each, and NAME.0, NAME.1, ... for a list

    heads: The name of each head, and the head, as `head` would state it.

    Source: Caruana, "Multitask Learning", Machine Learning 28, 1997, figure 2: one body that tasks
    share.
    """
    found: dict[str, Value] = {}
    for name, head in heads.items():
        if b.has_part(name):
            problem = f"the network has a part '{name}' already; expected another name"
            raise RuleError(problem, option=("heads", name))
        label, summary = f"{head.rule.name} head", head.rule.summary
        with b.scope(name, kind="head", label=label, summary=summary):
            result = head(b, maps)
        if isinstance(result, Value):
            found[name] = result
            continue
        parts = result if isinstance(result, Mapping) else dict(enumerate(result))
        found |= {f"{name}.{part}": value for part, value in parts.items()}
    return found
