"""`hrnet-graph predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import hrnet_graph as hg
from hrnet_graph.cli.arguments import (
    file_option,
    json_option,
    output_option,
    seed_option,
    takes_spec,
)
from hrnet_graph.cli.terminal import note, print_json, working


@click.command()
@takes_spec
@click.argument("image", type=click.Path(path_type=Path), metavar="IMAGE")
@output_option("SPEC_IMAGE.png")
@file_option("--weights", help="A checkpoint, in place of the weights that SPEC may hold.")
@click.option("--partial", is_flag=True, help="Take what fits of the weights; the rest is random.")
@click.option("--device", metavar="D", help="The torch device to run on.")
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.05, show_default=True,
              help="The least score of a box.")  # fmt: skip
@seed_option
@json_option
def command(
    spec: hg.Spec, image: Path, output: Path | None, as_json: bool, weights: Path | None, **how: Any
) -> None:
    """Run a network on an image and draw what it says.

    Classes, keypoints, regions or boxes, by the head. Segmentation also writes the raw labels
    (NAME.labels.png) and their colours (NAME.colours.png).
    """
    from hrnet_graph.files import is_file
    from hrnet_graph.images import read_image
    from hrnet_graph.prediction.run import check_picture

    if not is_file(image):
        read_image(image)  # says why, before its name is taken for the picture's
    target = output or Path(f"{spec.file_name}_{image.stem}.png")
    check_picture(target)
    with working(f"running {spec.name}"):
        found = hg.predict(spec, image, weights=weights, **how)
    if found.report is not None and not found.report.complete:
        note(str(found.report))
    elif found.random is not None:
        shows = "the picture shows how results look, not what is there"
        note(f"weights: {found.random.summary}; {shows}")
    files = [str(path) for path in found.save(target)]
    if as_json:
        print_json({**found.as_dict(), "files": files})
    else:
        note(f"wrote {', '.join(files)}")
