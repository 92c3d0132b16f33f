"""How other repositories name the same weights: one table a dialect, read in both directions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from hrnet_graph.compiler.weights import paddle
from hrnet_graph.compiler.weights.ddrnet import DDRNET
from hrnet_graph.compiler.weights.descendants import DEKR, HRFORMER, LITE
from hrnet_graph.compiler.weights.dialect import BACKBONE as BACKBONE
from hrnet_graph.compiler.weights.dialect import Dialect as Dialect
from hrnet_graph.compiler.weights.dialect import Renames
from hrnet_graph.compiler.weights.dialect import renamed as renamed
from hrnet_graph.compiler.weights.heads import HEADS, IN_BACKBONE
from hrnet_graph.compiler.weights.norms import of_batch
from hrnet_graph.errors import FileError, did_you_mean, quoted

MARKS: Mapping[str, tuple[str, ...]] = {
    "classification": ("incre_modules.0.0.conv1.weight", "classifier.weight"),
    "ocr": ("ocr_distri_head.object_context_block.f_up.0.weight", "cls_head.weight"),
    "segmentation": ("last_layer.0.weight", "last_layer.3.weight"),
    "landmark": ("head.0.weight", "head.3.weight"),
    "feature_pyramid": ("neck.reduction_conv.0.weight",),
    "upernet": ("psp_modules.0.1.conv.weight", "fpn_bottleneck.conv.weight", "conv_seg.weight"),
    "dekr": ("transition_offset.0.weight", "head_heatmap.1.weight"),
    "bottom_up": ("final_layers.0.weight", "deconv_layers.0.0.0.weight"),
    "simcc": ("mlp_head_x.weight", "mlp_head_y.weight"),
    "regression": ("fc.weight", "fc.bias"),
    "heatmap": ("final_layer.weight",),
    "features": (),
}
"""Head -> published keys by which a network with it is known; the most telling first."""


_FOLDED: Mapping[str, Renames] = {
    "ocr": (("aux_head.0.bias", "aux_head.1."), ("conv3x3_ocr.0.bias", "conv3x3_ocr.1.")),
    "segmentation": (("last_layer.0.bias", "last_layer.1."),),
}
"""Head -> biases that mmsegmentation's does without, and the norms behind them."""

_OWN: Mapping[str, tuple[Dialect, ...]] = {
    "classification": (
        Dialect("timm", "classification"),
        Dialect(
            "paddle",
            "classification",
            table=(paddle.published_names, paddle.paddle_names),
            transposed=paddle.TRANSPOSED,
            unbiased=paddle.BIASES,
        ),
    ),
    "segmentation": (Dialect("inplace-abn", "segmentation", inplace_norm=True),),
    "dekr": DEKR,
}
"""Head -> dialects of it that are no tables of prefixes."""


def _of_hrnet() -> Iterator[Dialect]:
    """The dialects of networks of HRNet's own stem and blocks, head by head."""
    for head in MARKS:
        yield Dialect("official", head, IN_BACKBONE if head == "feature_pyramid" else "")
        yield from _OWN.get(head, ())
        for name, heads in HEADS.items():
            if head in heads:
                folded = _FOLDED.get(head, ()) if name == "mmsegmentation" else ()
                yield Dialect(name, head, IN_BACKBONE, heads[head], folded, by_kind=True)


DIALECTS: tuple[Dialect, ...] = (*_of_hrnet(), *HRFORMER, *LITE, *DDRNET)
"""All dialects. Where keys fit several, the first is meant.

Source: HRNet-Image-Classification, deep-high-resolution-net.pytorch, HRNet-Semantic-Segmentation,
HRNet-Facial-Landmark-Detection, HRNet-Object-Detection, HigherHRNet, HRFormer, Lite-HRNet, DEKR,
DDRNet (official); timm 1.0; mmpose, mmsegmentation and mmdetection 3.x; PaddleClas.
"""

REPOSITORIES: Mapping[str, str] = {
    "official": "each network's authors",
    "timm": "timm",
    "paddle": "PaddleClas",
    "mmpose": "mmpose 1.x",
    "mmpose-0.x": "mmpose 0.x",
    "mmsegmentation": "mmsegmentation",
    "mmdetection": "mmdetection",
    "openmmlab": "a backbone alone in any of OpenMMLab's",
    "inplace-abn": "HRNet's segmentation for torch 0.4.1",
}
"""Dialect -> whose names they are."""

PADDLESEG = "conv_layer1_1._conv.weight"
"""A key of PaddleSeg's HRNet. Source: PaddleSeg d7975e7, paddleseg/models/backbones/hrnet.py."""

TRANSFERS: Mapping[tuple[str, str], Renames] = {
    ("segmentation", "ocr"): (("last_layer.", "aux_head."),),
    ("segmentation", "landmark"): (("last_layer.", "head."),),
    ("landmark", "segmentation"): (("head.", "last_layer."),),
    ("heatmap", "bottom_up"): (("final_layer.", "final_layers.0."),),
}
"""(head of the checkpoint, head of the network) -> which head weights can start which."""


def recognise(keys: Iterable[str], name: str | None = None) -> Dialect:
    """The dialect of a checkpoint by its keys, or of them the one called `name`.

    Raises `FileError` if the keys are of no network that is known here.
    """
    keys = set(keys)
    names = list(dict.fromkeys(dialect.name for dialect in DIALECTS))
    if name is not None and name not in names:
        raise FileError(f"unknown dialect {quoted(name)}{did_you_mean(name, names)}")
    for dialect in DIALECTS:
        at_head = (dialect.first, dialect.stage + dialect.block, *MARKS[dialect.head])
        marks = dialect.known_by or at_head
        if name in (None, dialect.name) and all(dialect.from_published(m) in keys for m in marks):
            return dialect
    if any(key.endswith(PADDLESEG) for key in keys):
        raise FileError(
            "these are keys of PaddleSeg, whose strided convolutions pad behind the image alone",
            "no network here computes that; PaddleClas's weights are loaded",
        )
    some = ", ".join(quoted(key, 80) for key in sorted(keys)[:3]) or "none"
    as_dialect = f" in the dialect {name}" if name else ""
    raise FileError(
        f"expected the keys of a high-resolution network{as_dialect}, got {some}, ...",
        f"dialects that are known: {', '.join(names)}",
    )


def nearest(
    keys: Iterable[str],
    published: Collection[str],
    target: Dialect,
    name: str | None = None,
    told: Dialect | None = None,
) -> Dialect | None:
    """The dialect in which keys hold most of a network's published ones: more than half of them.

    It has the head of `target`, the network's own dialect, or none, and of all, or those called
    `name`, is the first such, those of its kind before; the one told unless another holds more.
    """
    wanted = set(published)
    best, most = told, len(_held(told, keys) & wanted) if told else len(wanted) / 2
    for dialect in sorted(DIALECTS, key=lambda each: each.kind != target.kind):
        if dialect.head in (target.head, "features") and name in (None, dialect.name):
            count = len(_held(dialect, keys) & wanted)
            if count > most:
                best, most = dialect, count
    return best


def _held(dialect: Dialect, keys: Iterable[str]) -> set[str]:
    """The published names of keys that a dialect has."""
    held = set[str]()
    for key in keys:
        plain = of_batch(key) if dialect.by_kind else key
        names = {part: dialect.to_published(part) for part in dialect.parts(plain)}
        held |= {ours for part, ours in names.items() if dialect.from_published(ours) == part}
    return held


def described() -> str:
    """Every dialect with its repository and the heads that it names, a line each."""
    lines = []
    for name, repository in REPOSITORIES.items():
        heads = dict.fromkeys(each.head for each in DIALECTS if each.name == name)
        lines.append(f"{name}: {repository}; {', '.join(heads)}")
    return "\n".join(lines)


def prefix_among(keys: Iterable[str]) -> str:
    """What stands in front of a network's keys, where plain words of some of them tell; or ''."""
    keys = set(keys)
    first, later = "conv1.weight", "stage2.0.branches.0.0.conv1.weight"
    found = (key.removesuffix(later) for key in sorted(keys) if key.endswith(later))
    prefixes = (prefix.removesuffix(IN_BACKBONE) for prefix in found if prefix + first in keys)
    return next((each for each in prefixes if re.fullmatch(r"[\w.]+", each)), "")


def counterpart(dialect: Dialect, name: str) -> Dialect:
    """The dialect called `name` for the same kind of network. Raises `FileError` if none is."""
    same = {other.name: other for other in DIALECTS if other.kind == dialect.kind}
    if name not in same:
        known = ", ".join(same)
        what = f"no dialect {quoted(name)} for {_described(dialect)}"
        raise FileError(f"{what} (known: {known})")
    return same[name]


_BACKBONES = {"conv1.weight": "HRNet", "mlp.fc1.weight": "HRFormer"}
"""The key by which the first block is known -> the backbone; of others, Lite-HRNet."""


def _described(dialect: Dialect) -> str:
    """The kind of network that a dialect names, as a phrase; an unknown head is as good as none."""
    backbone = "DDRNet" if dialect.known_by else _BACKBONES.get(dialect.block, "Lite-HRNet")
    if dialect.head == "features":
        return f"{backbone} without a head that is known there"
    return f"{backbone} with {'an' if dialect.head[0] in 'aeiou' else 'a'} {dialect.head} head"
