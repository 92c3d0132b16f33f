"""`hrnet-graph predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import hrnet_graph as hg
from hrnet_graph.cli.arguments import (
    as_command,
    device_option,
    output_option,
    read_option,
    takes_spec,
)
from hrnet_graph.cli.files import Read, checked_target, pictures
from hrnet_graph.cli.terminal import note, print_json, working, wrote
from hrnet_graph.extras import require


@as_command(
    "predict hrnet_w32_cls photo.jpg --weights w.pth",
    "predict hrnet_w32_cls photo.jpg --seed 0 -o out.png",
)
@takes_spec
@click.argument("image", type=Read("image"), metavar="IMAGE")
@output_option("SPEC_IMAGE.png", pictures)
@read_option("--weights", what="weights file", help="A checkpoint.")
@device_option
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.05, show_default=True,
              help="The least score of a box.")  # fmt: skip
@click.option("--seed", type=int, metavar="N", help="The seed of random weights.")
def command(
    spec: hg.Spec, image: Path, output: Path | None, as_json: bool, weights: Path | None, **how: Any
) -> None:
    """Run a network on an image and draw what it says.

    Classes, keypoints, regions or boxes, by the head. Segmentation also writes the raw labels
    (NAME.labels.png) and their colours (NAME.colours.png).
    """
    if spec.head.kind == "feature_pyramid":
        require("detection", "finding boxes")
    target = output or checked_target(f"{spec.file_name}_{image.stem}.png")
    with working(f"running {spec.name}"):
        found = hg.predict(spec, image, weights=weights, **how)
    if weights is None:
        note("the weights are random: the picture shows how results look, not what is there")
    files = found.save(target)
    if as_json:
        print_json({**found.as_dict(), "files": [*map(str, files)]})
    else:
        wrote(target, False, *files[1:])
