"""How the weights of HRFormer, Lite-HRNet and DEKR are named.

Source: HRFormer, Lite-HRNet, DEKR (official); mmpose 0.x and 1.3.
"""

from __future__ import annotations

from hrnet_graph.compiler.weights.dialect import Dialect, Renames
from hrnet_graph.compiler.weights.heads import HEADS, IN_BACKBONE
from hrnet_graph.compiler.weights.rows import Grouped

_MLP = "mlp.fc1.weight"
_FFN: Renames = ((".ffn.", ".mlp."), (".attn.attn.proj.", ".attn.attn.out_proj."))
_QKV = tuple(
    (f".qkv.{kind}", tuple(f".{part}_proj.{kind}" for part in "qkv")) for kind in ("weight", "bias")
)
HRFORMER: tuple[Dialect, ...] = (
    Dialect("official", "classification", block=_MLP),
    Dialect(
        "official",
        "ocr",
        IN_BACKBONE,
        (
            ("conv3x3.0.", "conv3x3_ocr.0."),
            ("conv3x3.1.0.", "conv3x3_ocr.1."),
            ("aux_head.1.0.", "aux_head.1."),
            ("aux_head.2.", "aux_head.3."),
        ),
        block=_MLP,
    ),
    Dialect("official", "heatmap", IN_BACKBONE, HEADS["mmpose-0.x"]["heatmap"], block=_MLP),
    *(
        Dialect(
            name,
            "heatmap",
            IN_BACKBONE,
            HEADS[name]["heatmap"],
            block=_MLP,
            inside=_FFN,
            stacked=_QKV,
            by_kind=True,
        )
        for name in ("mmpose", "mmpose-0.x")
    ),
    Dialect("official", "features", block=_MLP),
    Dialect(
        "openmmlab",
        "features",
        IN_BACKBONE,
        block=_MLP,
        inside=_FFN,
        stacked=_QKV,
        by_kind=True,
    ),
)

_BLOCKS = (
    ("stage0.0.layers.0.", "depthwise_convs.0.conv.weight"),
    ("stage0.0.layers.0.0.", "branch2.0.conv.weight"),
)
"""Where the first block stands, and a key in it: of channel weighting, of shuffle units."""

_STEM = "stem.conv1.conv.weight"

LITE: tuple[Dialect, ...] = tuple(
    Dialect(
        name,
        head,
        prefix,
        renames,
        block=block,
        first=_STEM,
        stage=stage,
        by_kind=True,
    )
    for stage, block in _BLOCKS
    for name, head, prefix, renames in (
        ("official", "heatmap", IN_BACKBONE, HEADS["mmpose-0.x"]["heatmap"]),
        ("mmpose", "heatmap", IN_BACKBONE, HEADS["mmpose"]["heatmap"]),
        ("official", "features", "", ()),
        ("openmmlab", "features", IN_BACKBONE, ()),
    )
)
"""Its authors' code is mmpose's of then, too."""


def _dekr(name: str, head: str, offsets: str, sign: float, centre: str = "") -> Dialect:
    """DEKR as mmpose has it, its offsets' layers under a name."""
    heatmaps, layers = f"{head}.heatmap_conv_layers.", f"{head}.{offsets}."
    parts = ((heatmaps, "transition_heatmap"), (layers, "transition_offset"))
    renames = tuple(
        (f"{theirs}0.{layer}.", f"{published}.{at}.")
        for theirs, published in parts
        for at, layer in enumerate(("conv", "bn"))
    )
    renames += ((f"{heatmaps}1.", "head_heatmap.0.0."), (f"{heatmaps}2.", "head_heatmap.1."))
    versions = {} if centre else {head: 2}
    grouped = Grouped(layers, sign, centre and heatmaps + centre, versions)
    return Dialect(name, "dekr", IN_BACKBONE, renames, grouped=grouped, by_kind=True)


DEKR: tuple[Dialect, ...] = (
    _dekr("mmpose", "head", "displacement_conv_layers", -1.0),
    _dekr("mmpose-0.x", "keypoint_head", "offset_conv_layers", 1.0, "2."),
)
