"""Images through one network, each to a result and its picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from hrnet_graph.compiler.model import spec_of
from hrnet_graph.compiler.torch.build import build_module
from hrnet_graph.compiler.torch.network import Network, Output
from hrnet_graph.engines.compiled import Compiled
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.files import atomic_write, check_suffix, check_writable
from hrnet_graph.images import ImageLike, Placement, Preprocessor, in_colour
from hrnet_graph.prediction.decoders import decoder_for
from hrnet_graph.prediction.draw import colour_regions, draw
from hrnet_graph.prediction.labels import Labels, labels_for
from hrnet_graph.prediction.results import Box, Boxes, Regions, Result
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.schema import Spec

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
    picture: Image.Image
    labels: Labels

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


Each = TypeVar("Each", bound=ImageLike)

Runs = Network | Compiled
"""What runs already: a module, or a network on an engine."""


@overload
def predict(
    spec: str | Path | Mapping[str, Any] | Spec | Runs,
    image: ImageLike,
    *,
    weights: str | Path | None = None,
    device: torch.device | str | int | None = None,
    threshold: float = 0.05,
    seed: int | None = None,
) -> Prediction: ...


@overload
def predict(
    spec: str | Path | Mapping[str, Any] | Spec | Runs,
    image: list[Each] | tuple[Each, ...],
    *,
    weights: str | Path | None = None,
    device: torch.device | str | int | None = None,
    threshold: float = 0.05,
    seed: int | None = None,
) -> list[Prediction]: ...


def predict(
    spec: str | Path | Mapping[str, Any] | Spec | Runs,
    image: ImageLike | list[Each] | tuple[Each, ...],
    *,
    weights: str | Path | None = None,
    device: torch.device | str | int | None = None,
    threshold: float = 0.05,
    seed: int | None = None,
) -> Prediction | list[Prediction]:
    """What a network says of an image of any size, read, resized and scaled as the spec says.

    `spec` is what `build_module` takes, or a network that is there already: a module, which stays
    in the mode that it is in, or what `compile` or `load` gave. `image` is a file, an image or an
    array of bytes (H, W, C); for a list of them the network is built once, and answers for each.

    Without `weights` they are random, and the prediction says so; `seed` makes them the same again.
    `threshold` is the least score of a box. Raises `SpecError`, `FileError`, or `HRNetGraphError`
    for a head that answers nothing.

    Example:
        >>> from PIL import Image
        >>> photo = Image.new("RGB", (640, 480))
        >>> hg.predict("hrnet_w18_small_v1_cls", photo, seed=0).weights
        'random weights'
        >>> model = hg.build_module("hrnet_w18_small_v1_cls")
        >>> len(hg.predict(model, [photo, photo.rotate(90)]))
        2
    """
    predictor = Predictor(spec, weights=weights, device=device, threshold=threshold, seed=seed)
    if isinstance(image, list | tuple):
        return [predictor(each) for each in image]
    return predictor(image)


class Predictor:
    """A network, built or loaded once, that says of image after image what `predict` does."""

    def __init__(
        self,
        spec: str | Path | Mapping[str, Any] | Spec | Runs,
        *,
        weights: str | Path | None = None,
        device: torch.device | str | int | None = None,
        threshold: float = 0.05,
        seed: int | None = None,
    ) -> None:
        if seed is not None:
            torch.manual_seed(seed)
        if isinstance(spec, Network | Compiled):
            if weights is not None or device is not None:
                raise HRNetGraphError(
                    "weights and device need a spec, got a network",
                    "load them into the network, or move it, before",
                )
            self.spec, self.weights = spec_of(spec.graph), "its own weights"
            self._prepared = Preprocessor(spec.graph)
            self._answer, self._labels = _decoded(self.spec, spec)
            return
        if isinstance(spec, torch.nn.Module):
            raise HRNetGraphError(
                f"expected a network of ours, got {type(spec).__name__}",
                "give what build_module made, without what is wrapped around it",
            )
        self.spec = load_spec(spec)
        self.weights = "random weights" if weights is None else str(weights)
        self._prepared = Preprocessor(self.spec)
        if self.spec.head.kind == "feature_pyramid":
            self._answer, self._labels = _boxes(self.spec, threshold, weights, device)
        else:
            decoder_for(self.spec)  # before a network is built for nothing
            built = build_module(self.spec, weights=weights, device=device)
            self._answer, self._labels = _decoded(self.spec, built)

    def __call__(self, image: ImageLike) -> Prediction:
        photo = self._prepared.read(image)
        result = self._answer(self._prepared.scale(photo), self._prepared.place(photo))
        picture = draw(in_colour(photo), result, self._labels, f"{self.spec.name}, {self.weights}")
        return Prediction(self.spec.name, self.weights, result, picture, self._labels)


Answer = Callable[[NDArray[np.float32], Placement], Result]
"""From an image as the network takes it, and where it lies, to what the network says of it."""


def _decoded(spec: Spec, network: Runs) -> tuple[Answer, Labels]:
    """What a network says that answers by itself, by the decoder of its head."""
    decoder, graph = decoder_for(spec), network.graph
    count = graph[graph.output_paths[-1]].type.channels
    labels = labels_for(spec.labels, count, decoder.noun, spec.palette)

    def answer(pixels: NDArray[np.float32], place: Placement) -> Result:
        output = _run(network, pixels)
        values = output.values() if isinstance(output, dict) else output
        outputs = [output] if isinstance(output, torch.Tensor) else values
        return decoder.decode([value.float().cpu() for value in outputs], labels, place)

    return answer, labels


def _run(network: Runs, pixels: NDArray[np.float32]) -> Output:
    """One batch through a network as it is for inference, whichever mode it is in."""
    images = torch.from_numpy(pixels)
    if isinstance(network, Compiled):
        return network(images)
    values = (value for value in network.state_dict().values() if value.is_floating_point())
    modes = {part: part.training for part in network.modules()}
    try:
        with torch.inference_mode():
            output: Output = network.eval()(images.to(next(values)))
            return output
    finally:
        for part, training in modes.items():
            part.training = training


def _boxes(
    spec: Spec,
    threshold: float,
    weights: str | Path | None,
    device: torch.device | str | int | None,
) -> tuple[Answer, Labels]:
    """What Faster R-CNN finds; its heads start at random, since backbone files hold none."""
    from hrnet_graph.detection import faster_rcnn

    labels = _box_labels(spec)
    channels, height, width = spec.input
    detector = faster_rcnn(
        spec,
        len(labels.names),
        weights=weights,
        device=device,
        min_size=min(height, width),
        max_size=max(height, width),
        box_score_thresh=threshold,
        image_mean=[0.0] * channels,
        image_std=[1.0] * channels,
    ).eval()

    def answer(pixels: NDArray[np.float32], place: Placement) -> Boxes:
        images = torch.from_numpy(pixels).to(next(detector.parameters()).device)
        with torch.inference_mode():
            (found,) = detector(list(images))
        scale = torch.tensor([width, height] * 2)
        boxes = [
            Box(index, labels.names[index], round(score, 4), (*place.at(x0, y0), *place.at(x1, y1)))
            for index, score, (x0, y0, x1, y1) in zip(
                found["labels"].tolist(),
                found["scores"].tolist(),
                (found["boxes"].cpu() / scale).tolist(),
                strict=True,
            )
        ]
        return Boxes(tuple(boxes))

    return answer, labels


def _box_labels(spec: Spec) -> Labels:
    """The labels of a detector, whose first class is the background."""
    palette = spec.palette and ((0, 0, 0), *spec.palette)
    if not isinstance(spec.labels, tuple):
        return labels_for(None, BOX_CLASSES, "class", palette)
    return labels_for(("background", *spec.labels), 1 + len(spec.labels), "class", palette)
