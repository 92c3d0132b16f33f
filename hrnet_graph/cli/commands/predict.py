"""`hrnet-graph predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import hrnet_graph as hg
from hrnet_graph.cli.arguments import (
    Number,
    as_command,
    device_option,
    read_option,
    seed_option,
    takes_spec,
)
from hrnet_graph.cli.files import Read, checked_target, pictures
from hrnet_graph.cli.terminal import note, print_json, working, wrote
from hrnet_graph.errors import quoted
from hrnet_graph.extras import require
from hrnet_graph.files import exists, is_folder


@as_command(
    "predict hrnet_w32_cls photo.jpg --weights w.pth",
    "predict mine.pt photo.jpg",
    "predict hrnet_w32_cls photo.jpg --seed 0 -o out.png",
)
@takes_spec
@click.argument("images", type=Read("image"), metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The picture to write, - is standard output; a folder for several. "
    "Default: SPEC_IMAGE.png.",
)
@read_option(
    "--weights",
    what="weights file",
    help="A checkpoint, in place of the weights that SPEC may hold.",
)
@click.option("--partial", is_flag=True, help="Take what fits of the weights; the rest is random.")
@device_option
@click.option("--threshold", type=Number(0, 1), default=0.05, show_default=True,
              help="The least score of a box.")  # fmt: skip
@click.option("--head", metavar="NAME", help="Which of several heads is asked.")
@click.option(
    "--flip",
    is_flag=True,
    help="Look at the flipped image, too. Heads dekr, heatmap and landmark alone.",
)
@click.option("--scale", "scales", metavar="FACTOR", type=float, multiple=True, default=(1.0,),
              help="A scale to look at; repeatable, 1 among them. dekr heads alone.")  # fmt: skip
@read_option(
    "--rescore",
    what="weights file",
    help="The network that weighs poses by their form. dekr heads alone.",
)
@seed_option
def command(
    spec: hg.Spec,
    images: tuple[Path, ...],
    output: Path | None,
    as_json: bool,
    weights: Path | None,
    flip: bool,
    scales: tuple[float, ...],
    rescore: Path | None,
    **how: Any,
) -> None:
    """Run a network on images and draw what it says.

    Classes, keypoints, regions or boxes, by the head. Segmentation also writes the raw labels
    (NAME.labels.png) and their colours (NAME.colours.png). The network is built once for all
    images; -o is then a folder.
    """
    if spec.head.kind == "feature_pyramid":
        require("detection", "finding boxes")
    targets = _targets(spec.file_name, images, output)
    from hrnet_graph.prediction.looks import Looks
    from hrnet_graph.prediction.run import Predictor

    with working(f"running {spec.name}"):
        looks = Looks(flip, scales, rescore)
        predictor = Predictor(spec, weights=weights, looks=looks, **how)
    if predictor.report is not None and not predictor.report.complete:
        note(str(predictor.report))
    elif predictor.random is not None:
        shows = "the picture shows how results look, not what is there"
        note(f"weights: {predictor.random.summary}; {shows}")
    answers = []
    for image, target in zip(images, targets, strict=True):
        with working(f"running {spec.name} on {image.name}"):
            found = predictor(image)
        files = found.save(target)
        answers.append({"image": str(image), **found.as_dict(), "files": [*map(str, files)]})
        if not as_json:
            wrote(target, False, *files[1:])
    if as_json:
        print_json(answers if len(images) > 1 else answers[0])


def _targets(name: str, images: tuple[Path, ...], output: Path | None) -> list[Path]:
    """The picture of every image. Raises `FileError` before any of them could not be written."""
    if output is not None and len(images) == 1 and not is_folder(output):
        targets = [output]
    elif output is None or is_folder(output):
        targets = [(output or Path()) / f"{name}_{image.stem}.png" for image in images]
    else:
        where = quoted(str(output), 200)
        raise hg.FileError(f"-o is a folder where there are several images: none at {where}")
    for number, target in enumerate(targets):
        if target in targets[:number]:
            first = quoted(str(images[targets.index(target)]), 200)
            second = quoted(str(images[number]), 200)
            hint = "run them one by one, each with its own -o"
            raise hg.FileError(f"{first} and {second} would both be drawn in {target}", hint)
        if exists(target) and any(target.samefile(image) for image in images):
            raise hg.FileError(f"{quoted(str(target), 200)} is read, and cannot be written too")
    return [checked_target(target, pictures()) for target in targets]
