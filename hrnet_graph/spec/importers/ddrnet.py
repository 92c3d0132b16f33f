"""Mmsegmentation's DDRNet: the catalogue's network, its widths and classes as a config has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hrnet_graph.errors import quoted
from hrnet_graph.spec.importers.config import Config, Imported
from hrnet_graph.spec.importers.images import read_labels, read_scale
from hrnet_graph.spec.importers.norm import frozen, own_norm, read_norm

BACKBONE, HEAD = "model.backbone", "model.decode_head"

RELU = ({"type": "ReLU"}, {"type": "ReLU", "inplace": True}, {"type": "ReLU", "inplace": False})


def read_ddrnet(
    config: Config, size: Sequence[int], harmless: Sequence[str], backbone_only: bool
) -> Imported:
    """A config whose backbone is DDRNet, for images of `size` (height, width), as spec data.

    Raises `FileError` for what no rule here does.

    Source: mmsegmentation 1.2.2, models/backbones/ddrnet.py and models/decode_heads/ddr_head.py.
    """
    width = config.integer(f"{BACKBONE}.channels", 32)
    config.expect(f"{BACKBONE}.align_corners", False, default=False)
    config.expect(f"{BACKBONE}.act_cfg", *RELU, default=RELU[0])
    norm = frozen(config, BACKBONE, read_norm(config, f"{BACKBONE}.norm_cfg"))
    _expect_usual_norm(config, norm or {})
    channels = config.integer(f"{BACKBONE}.in_channels", 3)
    spec: dict[str, Any] = {
        "extends": "ddrnet23_slim_seg_cityscapes",
        "input": [channels, *size],
        "width": width,
        "stem": {"channels": width, "bias": False},
        "neck": {"channels": config.integer(f"{BACKBONE}.ppm_channels", 128)},
        "preprocess": read_scale(config, channels),
        "labels": None,
    }
    spec |= {"norm": norm} if norm else {}
    if backbone_only or not config.has(HEAD):
        for key in ("decode_head", "auxiliary_head", "neck"):
            config.leave(f"model.{key}", config.described(f"model.{key}"))
        config.described("model")
        return config.imported({**spec, "head": {"kind": "features"}}, "model", harmless)
    spec["head"] = {**_head(config, width), **own_norm(norm, read_norm(config, f"{HEAD}.norm_cfg"))}
    spec |= read_labels(
        config, {"kind": "segmentation", **spec["head"]}, config.known("dataset_type")
    )
    return config.imported(spec, "model", harmless)


def _expect_usual_norm(config: Config, norm: Mapping[str, Any]) -> None:
    """That norms are as mmsegmentation has them in the layers to which it passes no `norm_cfg`.

    Source: mmsegmentation 1.2.2, models/backbones/ddrnet.py, `_make_layer`; models/utils/ppm.py.
    """
    usual = {"eps": 1e-5, "momentum": 0.1}
    other = any(norm.get(key, value) != value for key, value in usual.items())
    if other or norm.get("kind", "batch") not in ("batch", "sync_batch", "frozen_batch"):
        expected = "expected batch normalisation with eps 1e-5 and momentum 0.1"
        why = "mmsegmentation gives others to some layers alone"
        config.refuse(f"{BACKBONE}.norm_cfg", f"{expected}, since {why}")


def _head(config: Config, width: int) -> dict[str, Any]:
    """What its own head says; the auxiliary one, which training alone reads, comes with it."""
    kinds = {f"{HEAD}.type": ("DDRHead",), "model.type": ("EncoderDecoder",)}
    for key, known in kinds.items():
        kind = config.kind(key)
        if kind not in known:
            hint = "--backbone-only imports the backbone alone, with what its pooling gives"
            config.refuse(key, f"expected {known[0]}, got {quoted(kind)}", hint)
    config.expect(f"{HEAD}.in_channels", 4 * width)
    config.expect(f"{HEAD}.act_cfg", *RELU, default=RELU[0])
    classes = config.integer(f"{HEAD}.num_classes")
    config.expect(f"{HEAD}.out_channels", None, classes)
    config.expect(f"{HEAD}.align_corners", False, default=False)
    return {
        "classes": classes,
        "inner": config.integer(f"{HEAD}.channels"),
        "auxiliary": "stage3.0",
    }
