"""Images through one network, each to a result and its picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, overload

import torch
from PIL import Image

from hrnet_graph.choices import PICTURES
from hrnet_graph.compiler.build import build_graph
from hrnet_graph.compiler.model import spec_of
from hrnet_graph.compiler.random_weights import RandomWeights
from hrnet_graph.compiler.torch.build import build_with_report
from hrnet_graph.compiler.torch.network import Network, Output
from hrnet_graph.compiler.torch.unwrap import random_weights, unwrap
from hrnet_graph.compiler.weights.matching import LoadReport
from hrnet_graph.engines.compiled import Compiled
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.files import atomic_write, check_suffix, check_writable
from hrnet_graph.images import ImageLike, Preprocessor, in_colour
from hrnet_graph.ir.graph import Graph
from hrnet_graph.prediction.boxes import box_finder
from hrnet_graph.prediction.decoders import decoder_for
from hrnet_graph.prediction.draw import colour_regions, draw
from hrnet_graph.prediction.evaluation import evaluating
from hrnet_graph.prediction.labels import Labels, labels_for
from hrnet_graph.prediction.looks import ONE_LOOK, Looks
from hrnet_graph.prediction.results import Regions, Result
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.schema import Spec
from hrnet_graph.viz.notebook import html_of_picture


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
    picture: Image.Image = field(repr=False)
    labels: Labels = field(repr=False)
    random: RandomWeights | None = field(default=None, repr=False)
    report: LoadReport | None = field(default=None, repr=False)

    def _repr_html_(self) -> str:
        return html_of_picture(self.picture, f"{self.name}, {self.weights}")

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
        check_suffix(target, PICTURES)
        check_writable(target)
        sheets = {target: self.picture}
        if isinstance(self.result, Regions):
            raw = self.result.labels
            sheets[target.with_suffix(".labels.png")] = raw
            sheets[target.with_suffix(".colours.png")] = colour_regions(raw, self.labels)
        for file, sheet in sheets.items():
            with atomic_write(file) as draft:
                sheet.save(draft)
        return list(sheets)


Each = TypeVar("Each", bound=ImageLike)

OWN, RANDOM = "its own weights", "random weights"
"""How a prediction calls the weights that no file named."""

Runs = torch.nn.Module | Compiled
"""What runs already: a network or a detector, wrapped or not, or a network on an engine."""


@overload
def predict(
    spec: str | Path | Mapping[str, Any] | Spec | Runs,
    image: ImageLike,
    *,
    weights: str | Path | None = None,
    partial: bool = False,
    device: torch.device | str | int | None = None,
    threshold: float = 0.05,
    seed: int | None = None,
    head: str | None = None,
    flip: bool = False,
    scales: Sequence[float] = (1.0,),
    rescore: str | Path | None = None,
) -> Prediction: ...


@overload
def predict(
    spec: str | Path | Mapping[str, Any] | Spec | Runs,
    image: list[Each] | tuple[Each, ...],
    *,
    weights: str | Path | None = None,
    partial: bool = False,
    device: torch.device | str | int | None = None,
    threshold: float = 0.05,
    seed: int | None = None,
    head: str | None = None,
    flip: bool = False,
    scales: Sequence[float] = (1.0,),
    rescore: str | Path | None = None,
) -> list[Prediction]: ...


def predict(
    spec: str | Path | Mapping[str, Any] | Spec | Runs,
    image: ImageLike | list[Each] | tuple[Each, ...],
    *,
    weights: str | Path | None = None,
    partial: bool = False,
    device: torch.device | str | int | None = None,
    threshold: float = 0.05,
    seed: int | None = None,
    head: str | None = None,
    flip: bool = False,
    scales: Sequence[float] = (1.0,),
    rescore: str | Path | None = None,
) -> Prediction | list[Prediction]:
    """What a network says of an image of any size, read, resized and scaled as the spec says.

    `spec` is what `build_module` takes, or a network that is there already: a module, which stays
    in the mode that it is in, or what `compile` or `load` gave. `image` is a file, an image or an
    array of bytes (H, W, C); for a list of them the network is built once, and answers for each.

    Weights are those of the file that holds the spec, or of `weights`, with `partial` as far as
    they fit. What is random of them, the prediction says; `seed` makes it the same again. A
    detector is the one that its file holds; where that is a backbone alone, its heads are random.
    `threshold` is the least score of a box, and `head` the name of one of several heads. A network
    with a head `dekr`, `heatmap` or `landmark` looks with `flip` at the flipped image, too, if the
    names of its points tell left from right; one with a head `dekr` looks at every one of `scales`,
    1 among them, and `rescore` is the file of what weighs its poses by their form. Raises
    `SpecError`, `FileError`, or `HRNetGraphError` for a head that answers nothing.

    Example:
        >>> from PIL import Image
        >>> photo = Image.new("RGB", (640, 480))
        >>> hg.predict("hrnet_w18_small_v1_cls", photo, seed=0).weights
        'random weights'
        >>> model = hg.build_module("hrnet_w18_small_v1_cls")
        >>> len(hg.predict(model, [photo, photo.rotate(90)]))
        2
    """
    how: dict[str, Any] = {"weights": weights, "partial": partial, "device": device}
    looks = Looks(flip, scales, rescore)
    predictor = Predictor(spec, **how, threshold=threshold, seed=seed, head=head, looks=looks)
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
        partial: bool = False,
        device: torch.device | str | int | None = None,
        threshold: float = 0.05,
        seed: int | None = None,
        head: str | None = None,
        looks: Looks = ONE_LOOK,
    ) -> None:
        if seed is not None:
            torch.manual_seed(seed)
        self.report: LoadReport | None = None
        if isinstance(spec, torch.nn.Module | Compiled):
            if weights is not None or device is not None or partial:
                raise HRNetGraphError(
                    "weights, partial and device need a spec, got a network",
                    "load them into the network, or move it, before",
                )
            network, self.weights = unwrap(spec) if isinstance(spec, torch.nn.Module) else spec, OWN
        else:
            checked = load_spec(spec)
            source = checked.weights_file if weights is None else weights
            if partial and source is None:
                message = f"partial takes what fits of weights, and {checked.name} has none"
                raise HRNetGraphError(message)
            network, self.report = _built(checked, threshold, source, partial, device, head)
            self.weights = RANDOM if source is None else str(source)
        self._answer, self._labels, self._prepared = _answering(network, threshold, head, looks)
        self.random = network.random if isinstance(network, Compiled) else random_weights(network)
        self.name = _graph(network).name

    def __call__(self, image: ImageLike) -> Prediction:
        photo = self._prepared.read(image)
        result = self._answer(photo)
        title = f"{self.name}, {self.weights}"
        if self.weights != RANDOM and self.random is not None:
            title += ", in part random" if self.random.keys else ", random"
        picture = draw(in_colour(photo), result, self._labels, title)
        said = (self.name, self.weights, result, picture, self._labels, self.random, self.report)
        return Prediction(*said)


Answer = Callable[[Image.Image], Result]
"""From an image that was read to what a network says of it."""


def _built(
    spec: Spec,
    threshold: float,
    weights: str | Path | None,
    partial: bool,
    device: torch.device | str | int | None,
    head: str | None,
) -> tuple[torch.nn.Module, LoadReport | None]:
    """The network or the detector of a spec, if it can answer for an image."""
    Preprocessor(spec)
    loading: dict[str, Any] = {"weights": weights, "partial": partial, "device": device}
    if spec.head.kind != "feature_pyramid" or head:
        decoder_for(spec, head)
        return build_with_report(build_graph(spec), **loading)
    from hrnet_graph.detection import load

    return load(spec, **loading, threshold=threshold), None


def _graph(network: Runs) -> Graph:
    """The graph of a network, or of the one in a detector."""
    inner: Runs = network
    if isinstance(network, torch.nn.Module) and not isinstance(network, Network):
        inner = network.get_submodule("backbone.network")
    assert isinstance(inner, Network | Compiled)
    return inner.graph


def _answering(
    network: Runs, threshold: float, head: str | None, looks: Looks
) -> tuple[Answer, Labels, Preprocessor]:
    """What a network, or one of its heads, says of an image, in which words, and what reads it."""
    graph = _graph(network)
    spec, prepared = spec_of(graph), Preprocessor(graph)
    if not isinstance(network, Network | Compiled):
        if looks.stated:
            raise HRNetGraphError(f"{looks.stated}: a detector looks once at an image")
        return *box_finder(spec, network, threshold), prepared
    decoder = decoder_for(spec, head)
    own = {name: path for name, path in graph.outputs if head in (None, name.partition(".")[0])}
    count = decoder.count([graph[path].type.channels for path in own.values()])
    labels = labels_for(spec.labels, count, decoder.noun, spec.palette)

    def run(images: torch.Tensor) -> list[torch.Tensor]:
        output: Output
        if isinstance(network, Compiled):
            output = network(images)
        else:
            values = network.state_dict().values()
            with evaluating(network):
                output = network(images.to(next(v for v in values if v.is_floating_point())))
        maps = [output[name] for name in own] if isinstance(output, dict) else output
        outputs = [output] if isinstance(output, torch.Tensor) else maps
        return [value.float().cpu() for value in outputs]

    return decoder.answering(run, prepared, labels, looks), labels, prepared
