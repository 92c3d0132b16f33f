"""Writes what the README's commands read, here, in place of your own files.

    python examples/stand_ins.py    # photo.jpg, photos/, experiment.yaml and w.pth

The weights are random, and the photographs of every class are the same one.
"""

from __future__ import annotations

import sys
from pathlib import Path

try:
    import torch
except ModuleNotFoundError:
    sys.exit("random weights need torch\n  pip install 'hrnet-graph[torch]'")
from PIL import Image

import hrnet_graph as hg

EXPERIMENT = """\
MODEL:
  NAME: cls_hrnet
  IMAGE_SIZE: [224, 224]
  EXTRA:
    STAGE1: {NUM_MODULES: 1, NUM_BRANCHES: 1, BLOCK: BOTTLENECK,
             NUM_BLOCKS: [4], NUM_CHANNELS: [64], FUSE_METHOD: SUM}
    STAGE2: {NUM_MODULES: 1, NUM_BRANCHES: 2, BLOCK: BASIC,
             NUM_BLOCKS: [4, 4], NUM_CHANNELS: [48, 96], FUSE_METHOD: SUM}
    STAGE3: {NUM_MODULES: 4, NUM_BRANCHES: 3, BLOCK: BASIC,
             NUM_BLOCKS: [4, 4, 4], NUM_CHANNELS: [48, 96, 192], FUSE_METHOD: SUM}
    STAGE4: {NUM_MODULES: 3, NUM_BRANCHES: 4, BLOCK: BASIC,
             NUM_BLOCKS: [4, 4, 4, 4], NUM_CHANNELS: [48, 96, 192, 384], FUSE_METHOD: SUM}
"""


def main() -> None:
    """Writes the files, but for those that are there."""
    photo = Image.open(Path(__file__).parent / "astronaut.jpg")
    if not Path("photo.jpg").exists():
        photo.save("photo.jpg")
    for place in [
        Path("photos", kind, f"{i}.jpg") for kind in ("person", "rocket") for i in "1234"
    ]:
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            photo.resize((64, 64)).save(place)
    if not Path("experiment.yaml").exists():
        Path("experiment.yaml").write_text(EXPERIMENT)
    if not Path("w.pth").exists():
        torch.save(hg.build_module("hrnet_w32_cls").state_dict(), "w.pth")


if __name__ == "__main__":
    main()
