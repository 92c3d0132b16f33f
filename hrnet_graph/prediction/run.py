"""One image through one network, to a result and its picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from hrnet_graph.compiler.torch.build import build_module
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.files import atomic_write, check_suffix, check_writable
from hrnet_graph.images import MAX_PIXELS, as_array, read_image, view
from hrnet_graph.prediction.decoders import decoder_for
from hrnet_graph.prediction.draw import colour_regions, draw
from hrnet_graph.prediction.labels import Labels, labels_for
from hrnet_graph.prediction.results import Box, Boxes, Regions, Result
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.schema import Spec
from hrnet_graph.viz.notebook import html_of_picture

PICTURES = (".png", ".jpg", ".jpeg", ".webp")

BOX_CLASSES = 91
"""Of COCO's detection task, background included."""


@dataclass(frozen=True)
class Prediction:
    """What a network says of an image, and the picture of it.

    Example:
        >>> from PIL import Image
        >>> prediction = hg.predict("hrnet_w18_small_v1_cls", Image.new("RGB", (640, 480)))
        >>> [path.name for path in prediction.save("out.png")]
        ['out.png']
    """

    name: str
    weights: str
    result: Result
    picture: Image.Image = field(repr=False)
    labels: Labels = field(repr=False)

    def _repr_html_(self) -> str:
        return html_of_picture(self.picture, f"{self.name}, {self.weights}")

    def as_dict(self) -> dict[str, Any]:
        """The prediction as plain data for JSON."""
        return {"name": self.name, "weights": self.weights, **self.result.as_dict()}

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
    device: torch.device | str | int | None = None,
    threshold: float = 0.05,
    seed: int | None = None,
) -> Prediction:
    """What a network says of an image of any size, read, resized and scaled as the spec says.

    Without `weights` they are random, and the prediction says so; `seed` makes them the same again.
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
    whose = "random weights" if weights is None else str(weights)
    height, width = spec.input[1:]
    if height * width > MAX_PIXELS:
        raise HRNetGraphError(
            f"{spec.name}: expected an input of at most {MAX_PIXELS} pixels, got {height}x{width}"
        )
    result: Result
    if spec.head.kind == "feature_pyramid":
        result, labels = _boxes(spec, photo, threshold, weights=weights, device=device)
    else:
        result, labels = _decoded(spec, photo, weights=weights, device=device)
    picture = draw(photo, result, labels, f"{spec.name}, {whose}")
    return Prediction(spec.name, whose, result, picture, labels)


def _decoded(spec: Spec, photo: Image.Image, **loading: Any) -> tuple[Result, Labels]:
    """What a network says that answers by itself, by the decoder of its head."""
    decoder = decoder_for(spec)
    if spec.input[0] != 3:
        raise HRNetGraphError(f"{spec.name}: expected 3 input channels, got {spec.input[0]}")
    model = build_module(spec, **loading).eval()
    last = model.graph[model.graph.output_paths[-1]]
    labels = labels_for(spec.labels, last.type.channels, decoder.noun)
    scale = spec.preprocess
    seen, place = view(photo, *spec.input[1:], crop=scale.resize == "crop")
    pixels = torch.from_numpy(as_array(seen, scale.mean, scale.std))
    with torch.inference_mode():
        output = model(pixels.to(next(model.parameters()).device))
    values = output.values() if isinstance(output, dict) else output
    outputs = [output] if isinstance(output, torch.Tensor) else values
    return decoder.decode([value.cpu() for value in outputs], labels, place), labels


def _boxes(
    spec: Spec, photo: Image.Image, threshold: float, **loading: Any
) -> tuple[Boxes, Labels]:
    """What Faster R-CNN finds; its heads start at random, since backbone files hold none."""
    from hrnet_graph.detection import faster_rcnn

    detector = faster_rcnn(
        spec,
        BOX_CLASSES,
        **loading,
        min_size=min(spec.input[1:]),
        max_size=max(spec.input[1:]),
        box_score_thresh=threshold,
        image_mean=list(spec.preprocess.mean),
        image_std=list(spec.preprocess.std),
    ).eval()
    labels = labels_for(None, BOX_CLASSES, "class")
    pixels = torch.from_numpy(as_array(photo, (0, 0, 0), (1, 1, 1))[0])
    with torch.inference_mode():
        (found,) = detector([pixels.to(next(detector.parameters()).device)])
    rows = zip(*(found[key].tolist() for key in ("labels", "scores", "boxes")), strict=True)
    boxes = tuple(
        Box(index, labels.names[index], round(score, 4), (x0, y0, x1, y1))
        for index, score, (x0, y0, x1, y1) in rows
    )
    return Boxes(boxes), labels
