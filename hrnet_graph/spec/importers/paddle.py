"""Paddle's configs and names: what the catalogue has is imported, the rest refused as Paddle's."""

from __future__ import annotations

import re
from typing import Any

from hrnet_graph.spec.importers.config import Config, Imported
from hrnet_graph.spec.source import Located

_NAME = re.compile(r"(SE_)?HRNet_W(18|30|32|40|44|48|60|64)_C")

HARMLESS = ("Arch.pretrained", "Arch.use_ssld", "Arch.use_sync_bn")


def classifier_of(name: str) -> dict[str, Any] | None:
    """The catalogue's network for a name of PaddleClas such as `HRNet_W48_C`, as spec data.

    Source: PaddleClas d178931, ppcls/arch/backbone/legendary_models/hrnet.py: the official
    classifier without biases in its head.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    width = int(found[2])
    if found[1]:
        return {"extends": "se_hrnet_w64_cls", "head": {}, "width": width}
    if width == 60:  # which only Paddle's code has
        return {"extends": "hrnet_w64_cls", "head": {"bias": False}, "width": width}
    return {"extends": f"hrnet_w{width}_cls", "head": {"bias": False}}


def is_paddle(root: Located) -> bool:
    """Whether a YAML file is PaddleClas's, PaddleSeg's or PaddleDetection's."""
    inside = dict(root.children())
    if "backbone" in dict(root.find(("model",)).children()):  # PaddleSeg's, or OpenMMLab's as YAML
        kind = root.find(("model", "backbone", "type")).value
        return isinstance(kind, str) and kind.startswith("HRNet_W")
    return (
        "Arch" in inside
        or "architecture" in inside
        or ("model" in inside and not {"stages", "extends", "head"} & inside.keys())
    )


def from_paddle(root: Located, risked: tuple[str, ...] = ()) -> Imported:
    """A classifier of PaddleClas as spec data; everything else of Paddle's is refused.

    Source: PaddleClas d178931; PaddleSeg d7975e7, whose HRNet pads as Paddle's `same` does, so that
    its strided convolutions are shifted ones.
    """
    config = Config(root, risked)
    name = config.get("Arch.name")
    if isinstance(name, str) and name.startswith("SE_") and config.has("Arch.has_se"):
        config.refuse("Arch.has_se", f"{name} says that itself, and its code takes no other")
    if config.flag("Arch.has_se", False):
        name = f"SE_{name}"
    spec = classifier_of(name) if isinstance(name, str) else None
    if spec is None:
        key = next((k for k in ("Arch", "architecture", "model") if config.has(k)), "model")
        known = (
            "of Paddle's, only PaddleClas's `Arch.name: HRNet_W18_C` (to W64, and SE_) is imported"
        )
        config.refuse(key, f"this is a config of Paddle; {known}")
    classes = config.integer("Arch.class_num", 1000)
    spec["head"]["classes"] = classes
    return config.imported(spec, "Arch", HARMLESS)
