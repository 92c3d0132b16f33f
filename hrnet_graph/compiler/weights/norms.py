"""The names of norms in OpenMMLab's repositories, which call a layer by its kind: `bn1`, `gn1`.

Source: mmcv 2.1, cnn/bricks/norm.py, `infer_abbr`, by which `build_norm_layer` names what it makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.ops import BatchNorm, FrozenBatchNorm, GroupNorm, InstanceNorm, LayerNorm, Op

BATCH = "bn"

ABBREVIATIONS: Mapping[type[Op], str] = {
    BatchNorm: BATCH,
    FrozenBatchNorm: BATCH,
    GroupNorm: "gn",
    InstanceNorm: "in",
    LayerNorm: "ln",
}

_CALLED = re.compile(rf"(?:(?<=\.)|^)({'|'.join(dict.fromkeys(ABBREVIATIONS.values()))})(?=\d?\.)")
"""A part of a key that is the name of a norm, without its number."""


def of_batch(key: str) -> str:
    """A key under the name of a batch norm, as all published networks have."""
    return of_kind(key, BATCH)


def of_kind(key: str, norm: str) -> str:
    """A key whose norm, if it is one's, is called by this abbreviation."""
    return _CALLED.sub(norm, key)


def kind_in(key: str) -> str:
    """The abbreviation by which a key calls a norm; that of batch norms where it calls none."""
    found = _CALLED.search(key)
    return found[1] if found else BATCH


def kinds_of(graph: Graph) -> dict[str, str]:
    """Key of a norm's entry in the network -> the abbreviation of its kind."""
    return {
        node.key_of(entry): ABBREVIATIONS[type(node.op)]
        for node in graph.nodes
        if type(node.op) in ABBREVIATIONS
        for entry in node.op.state(graph.operands(node))
    }


def without_statistics(keys: Iterable[str]) -> list[str]:
    """The published scales of norms that hold no statistics: of which kind, no key says."""
    keys = set(keys)
    scales = (key.removesuffix(".bias") for key in sorted(keys) if key.endswith(".bias"))
    return [
        f"{at}.weight"
        for at in scales
        if _CALLED.search(f"{at}.") and f"{at}.running_mean" not in keys
    ]
