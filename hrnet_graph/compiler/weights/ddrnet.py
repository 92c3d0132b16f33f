"""The names of DDRNet's weights: its authors', and mmsegmentation's as one table.

Source: ydhongHIT/DDRNet de0db31; mmsegmentation 1.2.2, mmseg/models/backbones/ddrnet.py,
mmseg/models/utils/ppm.py and mmseg/models/decode_heads/ddr_head.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from hrnet_graph.compiler.weights.dialect import Dialect

BLOCKS = 8
"""More blocks in a row than any run has."""

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")

RUNS: Mapping[str, str] = {
    "stem.2": "layer1",
    "stem.4": "layer2",
    **{f"context_branch_layers.{i}": f"layer{3 + i}" for i in range(3)},
    **{f"spatial_branch_layers.{i}": f"layer{3 + i}_" for i in range(3)},
}
"""A run of blocks of the backbone -> the published one."""

UNITS: Mapping[str, tuple[str, str]] = {
    "stem.0": ("conv1.0", "conv1.1"),
    "stem.1": ("conv1.3", "conv1.4"),
    **{f"compression_{i}": (f"compression{i + 2}.0", f"compression{i + 2}.1") for i in (1, 2)},
    "down_1": ("down3.0", "down3.1"),
    "down_2.0": ("down4.0", "down4.1"),
    "down_2.1": ("down4.3", "down4.4"),
    "spp.scales.0": ("spp.scale0.2", "spp.scale0.0"),
    **{f"spp.scales.{i}.1": (f"spp.scale{i}.3", f"spp.scale{i}.1") for i in range(1, 5)},
    **{f"spp.processes.{i}": (f"spp.process{i + 1}.2", f"spp.process{i + 1}.0") for i in range(4)},
    **{f"spp.{name}": (f"spp.{name}.2", f"spp.{name}.0") for name in ("compression", "shortcut")},
}
"""A convolution of the backbone with its norm -> both, as published."""

HEADS = (("head", "conv_seg", "final_layer"), ("aux_head", "aux_cls_seg", "seghead_extra"))
"""The first and the last part of a head, and the published head."""


@cache
def published_names() -> Mapping[str, str]:
    """Every key that such a network has in mmsegmentation -> the published one."""
    pairs = [
        (f"backbone.{theirs}.conv", f"backbone.{theirs}.bn", *published)
        for theirs, published in (*UNITS.items(), *_blocks())
    ]
    pairs += [
        (f"decode_head.{first}.0.conv", f"decode_head.{first}.0.bn", f"{ours}.conv1", f"{ours}.bn1")
        for first, _, ours in HEADS
    ]
    names = {}
    for conv, norm, published_conv, published_norm in pairs:
        names[f"{conv}.weight"] = f"{published_conv}.weight"
        names |= {f"{norm}.{end}": f"{published_norm}.{end}" for end in NORM}
    for run, published in RUNS.items():
        for k in range(BLOCKS):
            for end in ("0.weight", *(f"1.{end}" for end in NORM)):
                names[f"backbone.{run}.{k}.downsample.{end}"] = f"{published}.{k}.downsample.{end}"
    for first, last, ours in HEADS:
        names |= {f"decode_head.{first}.1.{end}": f"{ours}.bn2.{end}" for end in NORM}
        names |= {f"decode_head.{last}.{end}": f"{ours}.conv2.{end}" for end in ("weight", "bias")}
    return names


@cache
def mm_names() -> Mapping[str, str]:
    """The same from the published keys."""
    return {published: theirs for theirs, published in published_names().items()}


def _blocks() -> Iterator[tuple[str, tuple[str, str]]]:
    """The convolutions of every block, each with its norm."""
    for run, published in RUNS.items():
        for k in range(BLOCKS):
            for i in (1, 2, 3):
                yield f"{run}.{k}.conv{i}", (f"{published}.{k}.conv{i}", f"{published}.{k}.bn{i}")


_MARKS = ("conv1.0.weight", "compression4.0.weight", "down4.3.weight", "spp.scale0.2.weight")
_FOLDED = (("conv1.0.bias", "conv1.1."), ("conv1.3.bias", "conv1.4."))
_TABLE = (published_names, mm_names)
_HEADS = {"segmentation": (*_MARKS, "final_layer.conv2.weight"), "features": _MARKS}
DDRNET: tuple[Dialect, ...] = tuple(
    dialect
    for head, marks in _HEADS.items()
    for dialect in (
        Dialect("official", head, marks=marks),
        Dialect("mmsegmentation", head, marks=marks, folded=_FOLDED, table=_TABLE),
    )
)
"""With its head, and without one."""
