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
from hrnet_graph.errors import quoted


@click.command()
@takes_spec
@click.argument("images", type=click.Path(path_type=Path), metavar="IMAGE...", nargs=-1,
                required=True)  # fmt: skip
@output_option("SPEC_IMAGE.png")
@file_option("--weights", help="A checkpoint, in place of the weights that SPEC may hold.")
@click.option("--partial", is_flag=True, help="Take what fits of the weights; the rest is random.")
@click.option("--device", metavar="D", help="The torch device to run on.")
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.05, show_default=True,
              help="The least score of a box.")  # fmt: skip
@seed_option
@json_option
def command(
    spec: hg.Spec,
    images: tuple[Path, ...],
    output: Path | None,
    as_json: bool,
    weights: Path | None,
    **how: Any,
) -> None:
    """Run a network on images and draw what it says.

    Classes, keypoints, regions or boxes, by the head. Segmentation also writes the raw labels
    (NAME.labels.png) and their colours (NAME.colours.png). The network is built once for all
    images; -o is then a folder.
    """
    from hrnet_graph.files import is_file
    from hrnet_graph.images import read_image
    from hrnet_graph.prediction.run import Predictor

    for image in images:
        if not is_file(image):
            read_image(image)  # says why, before its name is taken for the picture's
    targets = _targets(spec.file_name, images, output)
    with working(f"running {spec.name}"):
        predictor = Predictor(spec, weights=weights, **how)
    if predictor.report is not None and not predictor.report.complete:
        note(str(predictor.report))
    elif predictor.random is not None:
        shows = "the picture shows how results look, not what is there"
        note(f"weights: {predictor.random.summary}; {shows}")
    answers = []
    for image, target in zip(images, targets, strict=True):
        with working(f"running {spec.name} on {image.name}"):
            found = predictor(image)
        files = [str(path) for path in found.save(target)]
        answers.append({"image": str(image), **found.as_dict(), "files": files})
        if not as_json:
            note(f"wrote {', '.join(files)}")
    if as_json:
        print_json(answers if len(images) > 1 else answers[0])


def _targets(name: str, images: tuple[Path, ...], output: Path | None) -> list[Path]:
    """The picture of every image. Raises `FileError` before any of them could not be written."""
    from hrnet_graph.files import is_folder
    from hrnet_graph.prediction.run import check_picture

    if output is not None and len(images) == 1 and not is_folder(output):
        targets = [output]
    elif output is None or is_folder(output):
        targets = [(output or Path()) / f"{name}_{image.stem}.png" for image in images]
    else:
        where = quoted(str(output), 200)
        raise hg.FileError(f"-o is a folder where there are several images: none at {where}")
    for number, target in enumerate(targets):
        check_picture(target)
        if target in targets[:number]:
            first = quoted(str(images[targets.index(target)]), 200)
            second = quoted(str(images[number]), 200)
            hint = "run them one by one, each with its own -o"
            raise hg.FileError(f"{first} and {second} would both be drawn in {target}", hint)
    return targets
