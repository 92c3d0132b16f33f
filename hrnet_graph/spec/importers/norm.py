"""OpenMMLab's `norm_cfg`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hrnet_graph.errors import quoted
from hrnet_graph.spec.importers.config import Config

KINDS: Mapping[str, str] = {
    "BN": "batch",
    "BN2d": "batch",
    "SyncBN": "sync_batch",
    "MMSyncBN": "sync_batch",
    "GN": "group",
    "IN": "instance",
    "IN2d": "instance",
    "LN2d": "layer",
}
"""Source: mmcv 2.1, mmcv/cnn/bricks/norm.py; mmpretrain 1.2, models/utils/norm.py."""

BATCH = ("batch", "sync_batch")


def read_norm(config: Config, key: str, is_synchronous: bool = False) -> dict[str, Any] | None:
    """A `norm_cfg` as the spec's `norm`; None where it is plain batch normalisation."""
    found = config.kind(f"{key}.type", "BN") if config.has(key) else "BN"
    if found is None or found not in KINDS:
        config.refuse(f"{key}.type", f"expected {', '.join(KINDS)}, got {quoted(found)}")
    kind = "sync_batch" if is_synchronous and KINDS[found] == "batch" else KINDS[found]
    norm: dict[str, Any] = {} if kind == "batch" else {"kind": kind}
    if kind == "group":
        norm["groups"] = config.integer(f"{key}.num_groups")
    if kind == "instance":
        config.expect(f"{key}.affine", True, default=False)
    if config.has(f"{key}.eps"):
        norm["eps"] = config.number(f"{key}.eps", 1e-5)
    if config.has(f"{key}.momentum"):
        norm["momentum"] = config.number(f"{key}.momentum", 0.1)
    return norm or None


def frozen(config: Config, backbone: str, norm: dict[str, Any] | None) -> dict[str, Any] | None:
    """A backbone's norm where training leaves scale, shift and statistics as they are: frozen."""
    if (norm or {}).get("kind", "batch") not in BATCH:
        return norm
    learns = config.flag(f"{backbone}.norm_cfg.requires_grad", True)
    if learns or not config.flag(f"{backbone}.norm_eval", False):
        return norm
    eps = {"eps": norm["eps"]} if norm and "eps" in norm else {}
    return {"kind": "frozen_batch", **eps}


def own_norm(norm: Mapping[str, Any] | None, theirs: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a head states whose norm is `theirs` behind a backbone with `norm`; nothing if alike."""
    ours, own = dict(norm or {}), dict(theirs or {})
    kinds = [each.get("kind", "batch") for each in (own, ours)]
    same = kinds[0] == kinds[1] or all(kind in BATCH for kind in kinds)
    if same and all(own.get(name) == ours.get(name) for name in ("eps", "groups")):
        return {}
    return {"norm": {"kind": kinds[0], **own} if len(own) > ("kind" in own) else kinds[0]}
