"""How branches come to a common size in a repository's code: what it fixes, what configs choose.

Where several ways stand, configs choose; weights tell of none. A size that halves evenly is meant:
there a second step, which resizes what was enlarged by a factor, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hrnet_graph.compiler.weights.dialect import Dialect

Way = Mapping[str, Any]
"""Changes of a spec."""

NEAREST: Way = {}
BILINEAR: Way = {"fuse.upsample": "bilinear"}
ALIGNED: Way = {**BILINEAR, "fuse.align_corners": True}
ANY = (NEAREST, BILINEAR, ALIGNED)
TWICE: Way = {**BILINEAR, "fuse.two_steps": True}
NEAREST_TWICE: Way = {"fuse.two_steps": True, "fuse.align_corners": True}

_FREE: Sequence[Way] = ({"head.align_corners": False}, {"head.align_corners": True})
_ONE_FLAG: Sequence[Way] = tuple(
    {**way, **head} for way, head in zip((BILINEAR, ALIGNED), _FREE, strict=True)
)
"""Fuses and head have one flag, as in HRNet-Semantic-Segmentation's configs."""

_MMSEGMENTATION = tuple({**way, **head} for way in (BILINEAR, TWICE) for head in _FREE)

_HRNET: Mapping[str, Mapping[str, Sequence[Way]]] = {
    "official": {
        "segmentation": _ONE_FLAG,
        "ocr": _ONE_FLAG,
        "landmark": (BILINEAR,),
        "upernet": tuple({**way, **head} for way in ANY for head in _FREE),
        **dict.fromkeys(("features", "simcc", "regression"), ANY),
    },
    "inplace-abn": {"segmentation": ({**BILINEAR, "head.align_corners": False},)},
    "mmpose": dict.fromkeys(("heatmap", "landmark", "simcc", "regression", "dekr"), ANY),
    "mmpose-0.x": dict.fromkeys(("heatmap", "landmark", "bottom_up", "regression", "dekr"), ANY),
    "mmsegmentation": dict.fromkeys(("segmentation", "ocr", "upernet"), _MMSEGMENTATION),
    "openmmlab": {"features": (*ANY, TWICE)},
}
"""Dialect -> head -> ways; nearest where none is said.

Source: the official repositories, `ALIGN_CORNERS` of their configs; mmpose, `extra.upsample`;
mmsegmentation, which resizes bilinearly, and `align_corners` of its heads.
"""

_HRFORMER: Mapping[str, Mapping[str, Sequence[Way]]] = {
    "official": {"heatmap": (TWICE,), "features": (NEAREST_TWICE, TWICE)},
    "mmpose": {"heatmap": (BILINEAR, TWICE, NEAREST, ALIGNED)},
    "mmpose-0.x": {"heatmap": (BILINEAR, TWICE, NEAREST, ALIGNED)},
    "openmmlab": {"features": (BILINEAR, TWICE, NEAREST_TWICE, NEAREST, ALIGNED)},
}
"""The same, nearest and then to the size where none is said. Source: HRFormer, mmpose."""

_BY_BLOCK = {"conv1.weight": (_HRNET, NEAREST), "mlp.fc1.weight": (_HRFORMER, NEAREST_TWICE)}


def ways_of(dialect: Dialect) -> Sequence[Way]:
    """What a repository's code can do to bring branches to a size, as changes of a spec."""
    if dialect.known_by or dialect.block not in _BY_BLOCK:
        return (NEAREST,)
    table, usual = _BY_BLOCK[dialect.block]
    return table.get(dialect.name, {}).get(dialect.head, (usual,))
