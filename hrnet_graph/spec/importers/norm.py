"""OpenMMLab's `norm_cfg`."""

from __future__ import annotations

from typing import Any

from hrnet_graph.errors import quoted
from hrnet_graph.spec.importers.config import Config


def read_norm(config: Config, key: str, is_synchronous: bool = False) -> dict[str, Any] | None:
    """A `norm_cfg` as the spec's `norm`; None where it is plain batch normalisation.

    Source: mmcv 2.1, mmcv/cnn/bricks/norm.py.
    """
    kind = config.kind(f"{key}.type", "BN") if config.has(key) else "BN"
    if kind not in ("BN", "BN2d", "SyncBN", "MMSyncBN", "GN"):
        config.refuse(f"{key}.type", f"expected BN, SyncBN or GN, got {quoted(kind)}")
    norm: dict[str, Any] = {}
    if kind == "GN":
        norm = {"kind": "group", "groups": config.integer(f"{key}.num_groups")}
    elif kind in ("SyncBN", "MMSyncBN") or is_synchronous:
        norm = {"kind": "sync_batch"}
    if config.has(f"{key}.eps"):
        norm["eps"] = config.number(f"{key}.eps", 1e-5)
    if config.has(f"{key}.momentum"):
        norm["momentum"] = config.number(f"{key}.momentum", 0.1)
    return norm or None
