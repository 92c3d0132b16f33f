"""A published HRNet, compiled from its YAML spec, run on a real photograph, counted and drawn.

Run it with `make demo`, or with `python examples/demo.py [SPEC] [OUTPUT_FOLDER]`.
"""

from __future__ import annotations

import sys
from pathlib import Path

try:
    import torch
except ModuleNotFoundError:
    sys.exit("the demonstration needs torch\n  pip install 'hrnet-graph[torch]'")
from PIL import Image
from torch import Tensor

import hrnet_graph as hg

PHOTO = Path(__file__).with_name("astronaut.jpg")


def main(name: str = "hrnet_w32_cls", folder: str = "demo") -> None:
    """Compiles, counts, runs and draws one network of the catalogue, and says what it did."""
    output = Path(folder)
    output.mkdir(parents=True, exist_ok=True)

    spec = hg.load_spec(name)
    graph = hg.build_graph(spec)
    report = hg.analyze(graph)
    print(f"{name}: {len(graph.nodes)} operations, {len(graph.state())} state_dict entries\n")

    print(f"{'':12}{'params':>14}{'MACs':>18}")
    for part, cost in report.by("stage").items():
        print(f"{part:12}{cost.params:>14,}{cost.macs:>18,}")
    print(f"{'total':12}{report.params:>14,}{report.macs:>18,}")
    for figure in spec.published.figures if spec.published else ():
        ours = {"params": report.params / 1e6, "cost": report.macs / 2**30}.get(figure.metric)
        if ours is not None:
            print(f"published {figure.metric}: {figure.value} {figure.unit}; counted: {ours:.3f}")

    torch.manual_seed(0)
    photo = Image.open(PHOTO).convert("RGB")
    channels, height, width = graph.input.type.shape
    image = torch.from_numpy(hg.Preprocessor(graph)(PHOTO))
    model = hg.build_module(spec).eval()
    last_stage = model.get_submodule(f"stage{len(spec.stages)}")
    maps: list[Tensor] = []
    last_stage.register_forward_hook(lambda _, __, result: maps.extend(result))
    with torch.inference_mode():
        logits = model(image)
    best = ", ".join(str(int(index)) for index in logits[0].topk(5).indices)
    print(f"\nrun on {PHOTO.name} ({channels}x{height}x{width}), with random weights:")
    print(f"  best of {logits.shape[1]} classes (meaningless before training): {best}")
    for level, feature_map in enumerate(maps):
        print(f"  branch {level}: {'x'.join(str(n) for n in feature_map.shape[1:])}")

    montage(photo, maps).save(output / "features.png")
    hg.render(graph, output / f"{name}.svg", view="stage")
    hg.render(graph, output / f"{name}.png", view="stage")
    print(f"\nwrote {output / 'features.png'}, {output / name}.svg and .png")


def montage(photo: Image.Image, maps: list[Tensor], side: int = 224, gap: int = 8) -> Image.Image:
    """The photograph, and beside it the mean activation of every branch, at one size."""
    tiles = [photo.resize((side, side))]
    for feature_map in maps:
        mean = feature_map[0].mean(dim=0)
        scaled = 255 * (mean - mean.min()) / (mean.max() - mean.min()).clamp_min(1e-12)
        height, width = mean.shape
        grey = Image.frombytes("L", (width, height), bytes(scaled.byte().flatten().tolist()))
        tiles.append(grey.resize((side, side), Image.Resampling.NEAREST).convert("RGB"))
    sheet = Image.new("RGB", (len(tiles) * (side + gap) - gap, side), "white")
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (i * (side + gap), 0))
    return sheet


if __name__ == "__main__":
    main(*sys.argv[1:])
