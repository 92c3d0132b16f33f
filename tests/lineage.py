"""Random networks of Lite-HRNet and HRFormer beside those that mmpose's own classes build.

Run by hand, with OpenMMLab's packages on the path: `python tests/lineage.py 100`. Each config is
imported, mmpose's weights are loaded strictly into the network that comes of it, and both compute.
Prints what was refused, and how far outputs differ at most, by backbone.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import random
import sys
import tempfile
import warnings
from collections import Counter
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from openmmlab import _Finder, build

import hrnet_graph as hg
from hrnet_graph.spec.importers.read import import_config

Config = dict[str, Any]


class Attributes(dict[str, Any]):
    """A config as mmengine hands it on, its values as attributes."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


def growing(draw: random.Random, stages: int, most: int) -> list[int]:
    """How many branches each stage has."""
    counts = [draw.randint(2, min(3, most))]
    while len(counts) < stages:
        counts.append(min(most, counts[-1] + draw.choice((0, 1, 1, 1, 2))))
    return counts


def lite(draw: random.Random) -> Config:
    """A config of mmpose's LiteHRNet."""
    stages = draw.randint(1, 4)
    branches = growing(draw, stages, 4)
    width = draw.choice((8, 16, 24, 40))
    rows = [[width * 2**i + 4 * draw.choice((0, 0, 0, 1)) for i in range(n)] for n in branches]
    inner, outer = draw.choice(((16, 16), (32, 32), (16, 24), (16, 32)))
    spec = {
        "num_modules": [draw.randint(1, 2) for _ in branches],
        "num_branches": branches,
        "num_blocks": [draw.randint(1, 2) for _ in branches],
        "module_type": [draw.choice(("LITE", "NAIVE")) for _ in branches],
        "with_fuse": [draw.random() < 0.85 for _ in branches],
        "reduce_ratios": [draw.choice((1, 2, 4, 8)) for _ in branches],
        "num_channels": rows,
    }
    extra = {
        "stem": {"stem_channels": inner, "out_channels": outer, "expand_ratio": 1},
        "num_stages": stages,
        "stages_spec": spec,
        "with_head": draw.random() < 0.75,
    }
    return {"type": "LiteHRNet", "extra": extra}


def former(draw: random.Random) -> Config:
    """A config of mmpose's HRFormer."""
    head = draw.choice((4, 6, 8))
    extra: Config = {"drop_path_rate": draw.choice((0.0, 0.1, 0.2))}
    extra["stage1"] = {
        "num_modules": 1, "num_branches": 1, "block": "BOTTLENECK",
        "num_blocks": [draw.randint(1, 2)], "num_channels": [draw.choice((8, 16))],
    }  # fmt: skip
    heads = draw.randint(1, 2)
    window, ratio = draw.choice((2, 3, 5, 7)), draw.randint(1, 4)
    for number, count in enumerate(growing(draw, 3, 4), start=2):
        numbers = [heads * 2**i for i in range(count)]
        extra[f"stage{number}"] = {
            "num_modules": draw.randint(1, 2),
            "num_branches": count,
            "block": "HRFORMERBLOCK",
            "num_blocks": [draw.randint(1, 2)] * count,
            "num_channels": [head * n for n in numbers],
            "num_heads": numbers,
            "mlp_ratios": [ratio] * count,
            "window_sizes": [window] * count,
        }
    if draw.random() < 0.4:
        up = draw.choice((("bilinear", True), ("bilinear", False), ("nearest", None)))
        extra["upsample"] = dict(zip(("mode", "align_corners"), up, strict=True))
    return {"type": "HRFormer", "extra": extra}


def whole(draw: random.Random, backbone: Config) -> Config:
    """The backbone with mmpose's head of heatmaps behind it."""
    if backbone["type"] == "LiteHRNet":
        width = backbone["extra"]["stages_spec"]["num_channels"][-1][0]
    else:
        width = backbone["extra"]["stage4"]["num_channels"][0]
    head = {
        "type": "HeatmapHead",
        "in_channels": width,
        "out_channels": draw.randint(1, 20),
        "deconv_out_channels": None,
    }
    return {"type": "TopdownPoseEstimator", "backbone": backbone, "head": head}


@torch.no_grad()
def difference(config: Config, folder: Path, draw: random.Random) -> float:
    """How far the outputs of both are apart, relative to the largest.

    Raises `HRNetGraphError` for a config that is refused.
    """
    path = folder / "config.py"
    path.write_text(f"default_scope = 'mmpose'\nmodel = {config!r}\n", encoding="utf-8")
    spec, _ = import_config(path)
    theirs = build(Attributes(deepcopy(config)), "mmpose")
    for value in theirs.state_dict().values():
        if value.is_floating_point():
            plain = value.dim() == 1
            value.uniform_(0.5, 1.5) if plain else value.normal_(0, value[0].numel() ** -0.5)
    torch.save({"state_dict": theirs.state_dict()}, folder / "weights.pth")
    ours = hg.build_module(spec).eval()
    report = hg.load_weights(ours, folder / "weights.pth")
    assert report.complete
    assert not report.filled
    image = torch.randn(2, 3, 32 * draw.randint(1, 3), 32 * draw.randint(1, 3))
    a, b = ours(image), theirs["head"](theirs["backbone"](image))
    return float((a - b).abs().max() / b.abs().max())


def main(count: int) -> int:
    warnings.filterwarnings("ignore")
    sys.meta_path.insert(0, _Finder())
    sys.modules["importlib_metadata"] = importlib.metadata
    importlib.import_module("mmpose.models")
    found: Counter[str] = Counter()
    largest: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(2 * count):
            draw = random.Random(seed)
            torch.manual_seed(seed)
            backbone = (lite, former)[seed % 2](draw)
            kind, config = backbone["type"], whole(draw, backbone)
            try:
                error = difference(config, Path(folder), draw)
            except hg.HRNetGraphError as refusal:
                found[f"{kind} refused: {str(refusal).splitlines()[0][-120:]}"] += 1
                continue
            found[f"{kind} agrees" if error < 1e-5 else f"{kind} differs, seed {seed}"] += 1
            largest[kind] = max(error, largest.get(kind, 0.0))
    print(*(f"{number:4} {what}" for what, number in sorted(found.items())), sep="\n")
    print(largest)
    return any("differs" in what for what in found)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
