"""One image through one network, to a result and its picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from hrnet_graph.compiler.build import build_graph
from hrnet_graph.compiler.checkpoints.matching import LoadReport
from hrnet_graph.compiler.random_weights import RandomWeights
from hrnet_graph.compiler.torch.build import build_with_report
from hrnet_graph.compiler.torch.detector import PyramidBackbone
from hrnet_graph.compiler.torch.unwrap import random_weights
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.files import atomic_write, check_suffix, check_writable
from hrnet_graph.images import MAX_PIXELS, as_array, read_image, view
from hrnet_graph.prediction.decoders import decoder_for
from hrnet_graph.prediction.draw import colour_regions, draw
from hrnet_graph.prediction.labels import Labels, labels_for
from hrnet_graph.prediction.results import Box, Boxes, Regions, Result
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.schema import Spec

PICTURES = (".png", ".jpg", ".jpeg", ".webp")


Answer = tuple[Result, Labels, RandomWeights | None, LoadReport | None]
"""What a network says, the names in it, which of its weights are random, and how they came in."""


@dataclass(frozen=True)
class Prediction:
    """What a network says of an image, and the picture of it.

    `random` says which of the weights are random, if any is known to be, and `report` what became
    of all those of a file, but for a detector's.

    Example:
        >>> from PIL import Image
        >>> prediction = hg.predict("hrnet_w18_small_v1_cls", Image.new("RGB", (640, 480)))
        >>> [path.name for path in prediction.save("out.png")]
        ['out.png']
    """

    name: str
    weights: str
    result: Result
    picture: Image.Image
    labels: Labels
    random: RandomWeights | None = None
    report: LoadReport | None = None

    def as_dict(self) -> dict[str, Any]:
        """The prediction as plain data for JSON."""
        random = None if self.random is None else str(self.random)
        said = {"name": self.name, "weights": self.weights, "random": random}
        return {**said, **self.result.as_dict()}

    def save(self, path: str | Path) -> list[Path]:
        """Writes the picture; for regions also `NAME.labels.png` (raw) and `NAME.colours.png`.

        Returns the files. Raises `FileError` if the suffix is no picture's.
        """
        target = Path(path)
        check_picture(target)
        sheets = {target: self.picture}
        if isinstance(self.result, Regions):
            raw = self.result.labels
            sheets[target.with_suffix(".labels.png")] = raw
            sheets[target.with_suffix(".colours.png")] = colour_regions(raw, self.labels)
        for file, sheet in sheets.items():
            with atomic_write(file) as draft:
                sheet.save(draft)
        return list(sheets)


def check_picture(path: Path) -> None:
    """Raises `FileError` unless a picture can be written under this name."""
    check_suffix(path, PICTURES)
    check_writable(path)


def predict(
    spec: str | Path | Mapping[str, Any] | Spec,
    image: str | Path | Image.Image,
    *,
    weights: str | Path | None = None,
    partial: bool = False,
    device: torch.device | str | int | None = None,
    threshold: float = 0.05,
    seed: int | None = None,
) -> Prediction:
    """What a network says of an image of any size, read, resized and scaled as the spec says.

    Weights are those of the file that holds the spec, or of `weights`, with `partial` as far as
    they fit. What is random of them, the prediction says; `seed` makes it the same again. A
    detector is the one that its file holds; where that is a backbone alone, its heads are random.
    `threshold` is the least score of a box. Raises `SpecError`, `FileError`, or `HRNetGraphError`
    for a head that answers nothing.

    Example:
        >>> from PIL import Image
        >>> photo = Image.new("RGB", (640, 480))
        >>> hg.predict("hrnet_w18_small_v1_cls", photo, seed=0).weights
        'random weights'
    """
    spec = load_spec(spec)
    photo = image.convert("RGB") if isinstance(image, Image.Image) else read_image(image)
    if seed is not None:
        torch.manual_seed(seed)
    source = spec.weights_file if weights is None else weights
    if partial and source is None:
        raise HRNetGraphError(f"partial takes what fits of weights, and {spec.name} has none")
    height, width = spec.input[1:]
    if height * width > MAX_PIXELS:
        raise HRNetGraphError(
            f"{spec.name}: expected an input of at most {MAX_PIXELS} pixels, got {height}x{width}"
        )
    result: Result
    loading: dict[str, Any] = {"weights": source, "partial": partial, "device": device}
    if spec.head.kind == "feature_pyramid":
        result, labels, random, report = _boxes(spec, photo, threshold, **loading)
    else:
        result, labels, random, report = _decoded(spec, photo, **loading)
    whose = "random weights" if source is None else str(source)
    title = f"{spec.name}, {whose}"
    if source is not None and random is not None:
        title += ", in part random" if random.keys else ", random"
    picture = draw(photo, result, labels, title)
    return Prediction(spec.name, whose, result, picture, labels, random, report)


def _decoded(spec: Spec, photo: Image.Image, **loading: Any) -> Answer:
    """What a network says that answers by itself, by the decoder of its head."""
    decoder = decoder_for(spec)
    if spec.input[0] != 3:
        raise HRNetGraphError(f"{spec.name}: expected 3 input channels, got {spec.input[0]}")
    model, report = build_with_report(build_graph(spec), **loading)
    model.eval()
    last = model.graph[model.graph.output_paths[-1]]
    labels = labels_for(spec.labels, last.type.channels, decoder.noun)
    scale = spec.preprocess
    seen, place = view(photo, *spec.input[1:], crop=scale.resize == "crop")
    pixels = torch.from_numpy(as_array(seen, scale.mean, scale.std))
    with torch.inference_mode():
        output = model(pixels.to(next(model.parameters()).device))
    values = output.values() if isinstance(output, dict) else output
    outputs = [output] if isinstance(output, torch.Tensor) else values
    result = decoder.decode([value.cpu() for value in outputs], labels, place)
    return result, labels, random_weights(model), report


def _boxes(spec: Spec, photo: Image.Image, threshold: float, **loading: Any) -> Answer:
    """What a detector finds that is surer than a threshold."""
    from hrnet_graph.detection import load

    detector = load(spec, **loading, threshold=threshold).eval()
    backbone = detector.get_submodule("backbone")
    assert isinstance(backbone, PyramidBackbone)
    assert backbone.recipe is not None
    labels = labels_for(None, backbone.recipe.num_classes, "class")
    pixels = torch.from_numpy(as_array(photo, (0, 0, 0), (1, 1, 1))[0])
    with torch.inference_mode():
        (found,) = detector([pixels.to(next(detector.parameters()).device)])
    rows = zip(*(found[key].tolist() for key in ("labels", "scores", "boxes")), strict=True)
    boxes = tuple(
        Box(index, labels.names[index], round(score, 4), (x0, y0, x1, y1))
        for index, score, (x0, y0, x1, y1) in rows
    )
    return Boxes(boxes), labels, random_weights(detector), None
