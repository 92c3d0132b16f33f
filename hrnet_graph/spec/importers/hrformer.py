"""HRFormer's configs: stages of transformer blocks, in the names of each repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hrnet_graph.errors import quoted
from hrnet_graph.spec.importers.config import Config, Imported
from hrnet_graph.spec.importers.stages import read_stage


@dataclass(frozen=True)
class Names:
    """What a repository calls the transformer block and two of its options, and in which case."""

    block: str
    window: str
    mlp_ratio: str
    case: Callable[[str], str] = str.lower


MMPOSE = Names("HRFORMERBLOCK", "window_sizes", "mlp_ratios")
OFFICIAL = Names("TRANSFORMER_BLOCK", "num_window_sizes", "num_mlp_ratios")
OFFICIAL_YAML = Names("TRANSFORMER_BLOCK", "num_window_sizes", "num_mlp_ratios", str.upper)

HARMLESS = ("MODEL.NAME", "MODEL.RESUME", "MODEL.HRT.STAGE1.NUM_*")
"""Keys that say what a network is called, and what its first stage never reads."""

DEPTHWISE: dict[str, Any] = {"kind": "sum", "downsample": "depthwise"}


def read_mmpose(config: Config) -> dict[str, Any]:
    """Stages and fuse of mmpose's HRFormer. Source: mmpose 1.3, models/backbones/hrformer.py."""
    extra = "model.backbone.extra"
    if not config.flag(f"{extra}.with_rpe", True):
        config.refuse(f"{extra}.with_rpe", "expected true, for a block here holds its bias")
    config.expect(f"{extra}.with_pad_mask", False, default=False)
    norm = {"type": "LN", "eps": 1e-6}
    config.expect("model.backbone.transformer_norm_cfg", norm, default=norm)
    up = f"{extra}.upsample"
    mode = config.expect(f"{up}.mode", "bilinear", "nearest", default="bilinear")
    aligned = config.expect(f"{up}.align_corners", True, False, None, default=False)
    fuse: dict[str, Any] = {**DEPTHWISE}
    if mode == "nearest":
        config.expect(f"{up}.align_corners", None)
    else:
        fuse |= {"upsample": mode, "align_corners": bool(aligned)}
    return {"stages": read_stages(config, extra, MMPOSE), "fuse": fuse}


def read_official(config: Config) -> dict[str, Any]:
    """Stages and fuse of HRFormer's pose code, which holds biases of positions and reads none.

    Source: HRFormer, pose/mmpose/models/backbones/hrt.py.
    """
    stages = read_stages(config, "model.backbone.extra", OFFICIAL)
    if stages[0]["block"] == "bottleneck":
        stages[0]["block"] = {"kind": "bottleneck", "shortcut_first": True}
    for stage in stages[1:]:
        blocks = stage["block"] if isinstance(stage["block"], list) else [stage["block"]]
        blocks = [{**block, "position_bias": False} for block in blocks]
        stage["block"] = blocks if len(blocks) > 1 else blocks[0]
    fuse = {**DEPTHWISE, "upsample": "bilinear", "two_steps": True, "align_corners": False}
    return {"stages": stages, "fuse": fuse}


def from_yaml(config: Config, backbone_only: bool = False) -> Imported:
    """A classifier's config as spec data. Source: HRFormer, cls/configs/hrt, cls/models/hrt.py."""
    config.expect("MODEL.TYPE", "hrt", default="hrt")
    side = config.integer("DATA.IMG_SIZE", 224)
    stages = read_stages(config, "MODEL.HRT", OFFICIAL_YAML)
    for number, stage in enumerate(stages, start=1):
        key = f"MODEL.HRT.STAGE{number}"
        sides = [side // 2 ** (2 + branch) for branch in range(stage["branches"])]
        rows = [[n, n] for n in sides]
        config.expect(f"{key}.NUM_RESOLUTIONS", rows, default=rows)
        for name, word in (("ATTN_TYPES", "isa_local"), ("FFN_TYPES", "conv_mlp")):
            found = config.get(f"{key}.{name}", [])
            if any(each != word for each in _leaves(found)):
                config.refuse(f"{key}.{name}", f"expected {word} everywhere, got {quoted(found)}")
    classes = config.integer("MODEL.NUM_CLASSES", 1000)
    head: dict[str, Any] = {"kind": "classification", "depthwise": True, "classes": classes}
    if backbone_only:
        config.left.append("the head of HRFormer")
        head = {"kind": "features"}
    spec = {
        "input": [3, side, side],
        "stages": stages,
        "fuse": {**DEPTHWISE, "two_steps": True, "align_corners": True},
        "head": head,
        "init": {"conv": "default"},
        "preprocess": {"resize": "crop"},
    }
    return config.imported(spec, "MODEL", HARMLESS)


def _leaves(value: Any) -> Iterator[Any]:
    """What stands in a list and the lists in it."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


def read_stages(config: Config, extra: str, names: Names) -> list[dict[str, Any]]:
    """The four stages, of which all but the first are made of transformer blocks."""
    rate = config.number(f"{extra}.{names.case('drop_path_rate')}", 0.0)
    stages = []
    for number in range(1, 5):
        key = f"{extra}.{names.case(f'stage{number}')}"
        if not config.has(key):
            config.refuse(key, "missing; expected the four stages of the network")
        branches = f"{key}.{names.case('num_branches')}"
        block = () if number == 1 else (names.block,)
        stage = read_stage(config, key, branches, names.case, number == 1, block)
        if number > 1:
            stage["block"] = _blocks(config, key, names, stage["channels"], rate)
            if rate and not isinstance(stage["blocks"], int):
                what = "expected as many in every branch, where paths are dropped by depth"
                config.refuse(f"{key}.{names.case('num_blocks')}", what)
        stages.append(stage)
    return stages


def _blocks(
    config: Config, key: str, names: Names, channels: Sequence[int], rate: float
) -> dict[str, Any] | list[dict[str, Any]]:
    """The transformer block of a stage, or one for each branch where they differ."""
    at = f"{key}.{names.case('num_heads')}"
    heads = _row(config, at, len(channels))
    if any(count < 1 or width % count for width, count in zip(channels, heads, strict=True)):
        what = "expected heads that divide the channels of each branch"
        got = f"got {quoted(heads)} for {quoted(list(channels))} channels"
        config.refuse(at, f"{what}, {got}", "write as many heads a branch as divide its channels")
    options = (("window", names.window, 7), ("mlp_ratio", names.mlp_ratio, 4))
    rows = {
        option: (_row(config, f"{key}.{names.case(name)}", len(channels)), default)
        for option, name, default in options
    }
    blocks = [
        {
            "kind": "transformer",
            "head_channels": width // heads[i],
            **{name: row[i] for name, (row, default) in rows.items() if row[i] != default},
            **({"drop_path": rate} if rate else {}),
        }
        for i, width in enumerate(channels)
    ]
    return blocks[0] if all(block == blocks[0] for block in blocks) else blocks


def _row(config: Config, key: str, branches: int) -> list[int]:
    """A list of one number a branch."""
    row = config.integers(key)
    if len(row) != branches:
        config.refuse(key, f"expected {branches} numbers, one a branch, got {quoted(row)}")
    return row
