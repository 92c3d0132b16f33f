"""Detectors on HRNetV2p, through torchvision. Needs the extra `detection`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hrnet_graph.extras import install, require

require("detection", "a detector")

import torch
from torch import Tensor, nn

from hrnet_graph.compiler.checkpoints.files import read_content
from hrnet_graph.compiler.checkpoints.unwrap import unwrap
from hrnet_graph.compiler.random_weights import read_random
from hrnet_graph.compiler.torch.build import build_module, find_device
from hrnet_graph.compiler.torch.detector import PyramidBackbone as PyramidBackbone
from hrnet_graph.compiler.torch.detector import Recipe, read_recipe
from hrnet_graph.compiler.torch.drawn import remembered, seed_of_next
from hrnet_graph.errors import FileError, HRNetGraphError, error_line, quoted
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.schema import Spec

try:
    from torchvision.models.detection import FCOS, FasterRCNN, MaskRCNN
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.ops import MultiScaleRoIAlign
except ImportError as error:
    raise HRNetGraphError(f"detectors need torchvision: {error}", install("detection")) from None

ROI_LEVELS = ("0", "1", "2", "3")
"""The levels that regions are pooled from; the coarsest is for proposals alone, as published."""

COCO_CLASSES = 91
"""Of COCO's detection task, background included."""


def pyramid_backbone(
    spec: str | Path | Mapping[str, Any] | Spec,
    *,
    weights: str | Path | None = None,
    partial: bool = False,
    device: torch.device | str | int | None = None,
) -> PyramidBackbone:
    """The backbone of a spec whose head is `feature_pyramid`, such as `hrnetv2p_w32`.

    Raises `HRNetGraphError` if it has another head.
    """
    spec = load_spec(spec)
    if spec.head.kind != "feature_pyramid":
        raise HRNetGraphError(
            f"{spec.name}: expected a feature_pyramid head, got {spec.head.kind}",
            "use hrnetv2p_w18, _w32, _w40 or _w48, or a spec that extends one",
        )
    return PyramidBackbone(build_module(spec, weights=weights, partial=partial, device=device))


def faster_rcnn(
    spec: str | Path | Mapping[str, Any] | Spec,
    num_classes: int,
    *,
    weights: str | Path | None = None,
    partial: bool = False,
    device: torch.device | str | int | None = None,
    **options: Any,
) -> FasterRCNN:
    """Faster R-CNN on HRNetV2p. `num_classes` counts the background, as torchvision does.

    `weights` are a whole detector's, as `hg.save` writes it, or the backbone's; then the detector's
    heads start at random. `partial` takes what fits, as of another number of classes. Images are
    brought to the spec's `input` and scaled by its `preprocess`, unless `options` say otherwise,
    which go to `torchvision.models.detection.FasterRCNN`.

    Raises `FileError` if the weights do not fit, `HRNetGraphError` for a spec with another head.

    Source: HRNet-Object-Detection, configs/hrnet/faster_rcnn_hrnetv2p_w32_1x.py (anchors, levels).
    """
    recipe = Recipe("faster_rcnn", num_classes, options)
    return _made(FasterRCNN, recipe, spec, weights, partial=partial, device=device)


def mask_rcnn(
    spec: str | Path | Mapping[str, Any] | Spec,
    num_classes: int,
    *,
    weights: str | Path | None = None,
    partial: bool = False,
    device: torch.device | str | int | None = None,
    **options: Any,
) -> MaskRCNN:
    """Mask R-CNN on HRNetV2p; all is as in `faster_rcnn`."""
    recipe = Recipe("mask_rcnn", num_classes, options)
    return _made(MaskRCNN, recipe, spec, weights, partial=partial, device=device)


def fcos(
    spec: str | Path | Mapping[str, Any] | Spec,
    num_classes: int,
    *,
    weights: str | Path | None = None,
    partial: bool = False,
    device: torch.device | str | int | None = None,
    **options: Any,
) -> FCOS:
    """FCOS on HRNetV2p, whose pyramid is then halved once more: strides 8 to 128, as published.

    All else is as in `faster_rcnn`.
    """
    halved = load_spec(spec, {"head.stride": 2})
    recipe = Recipe("fcos", num_classes, options)
    return _made(FCOS, recipe, halved, weights, partial=partial, device=device)


KINDS: Mapping[str, tuple[Callable[..., Any], type]] = {
    "faster_rcnn": (faster_rcnn, FasterRCNN),
    "mask_rcnn": (mask_rcnn, MaskRCNN),
    "fcos": (fcos, FCOS),
}
"""Kind of detector -> what makes it, and its class."""


def load(
    spec: str | Path | Mapping[str, Any] | Spec,
    *,
    weights: str | Path | None = None,
    partial: bool = False,
    device: torch.device | str | int | None = None,
    threshold: float | None = None,
    **options: Any,
) -> nn.Module:
    """The detector that `hg.save` wrote, of the kind, classes and options that its file says.

    The file is `weights`, or what holds the spec. Where it holds a backbone alone, or there is
    none, it is Faster R-CNN of the spec's labels, or of COCO's classes, and its heads start at
    random. `threshold` is the least score of a box; it and `options` go before what the file says.
    Raises as `faster_rcnn` does.
    """
    spec = load_spec(spec)
    file = spec.weights_file if weights is None else weights
    recipe = None if file is None else _recipe_in(file)
    named = 1 + len(spec.labels) if isinstance(spec.labels, tuple) else COCO_CLASSES
    recipe = recipe or Recipe("faster_rcnn", named)
    given = {**recipe.options, **options}
    if threshold is not None:
        given["score_thresh" if recipe.kind == "fcos" else "box_score_thresh"] = threshold
    make, _ = KINDS[recipe.kind]
    made: nn.Module = make(
        spec, recipe.num_classes, weights=file, partial=partial, device=device, **given
    )
    return made


def _recipe_in(path: str | Path) -> Recipe | None:
    """What a file says of its detector, or what its weights show; None if it holds no detector.

    Raises `FileError` if the file is damaged.
    """
    said, content = read_content(path)
    heads, where = unwrap(content, path).heads, quoted(str(path), 200)
    if not heads:
        return None
    try:
        text = said.get("detector")
        recipe = read_recipe(text) if isinstance(text, str) else _shown_by(heads)
        known = _numbers_of(KINDS[recipe.kind][1])
        if strange := [name for name in recipe.options if name not in known]:
            raise TypeError(f"no detector has the option {quoted(strange[0])}")
    except Exception as error:  # whatever a forged file makes of it
        raise FileError(f"{where} holds no detector of ours: {error_line(error)}") from None
    return recipe


def _numbers_of(kind: type) -> set[str]:
    """The options of a class of torchvision's that are numbers."""
    options = {p.name for p in inspect.signature(kind).parameters.values() if p.default is not None}
    given = {"backbone", "num_classes", "kwargs"}
    return {*options, "image_mean", "image_std", "bbox_reg_weights"} - given


def _shown_by(heads: Mapping[str, Tensor]) -> Recipe:
    """The detector that has such heads: by the names and the shapes of their weights."""
    if "head.classification_head.cls_logits.weight" in heads:
        return Recipe("fcos", len(heads["head.classification_head.cls_logits.weight"]))
    has_masks = any(key.startswith("roi_heads.mask_") for key in heads)
    classes = len(heads["roi_heads.box_predictor.cls_score.weight"])
    return Recipe("mask_rcnn" if has_masks else "faster_rcnn", classes)


def _made(
    kind: Callable[..., Any],
    recipe: Recipe,
    spec: str | Path | Mapping[str, Any] | Spec,
    weights: str | Path | None,
    *,
    partial: bool,
    device: torch.device | str | int | None,
) -> Any:
    """A detector as a recipe says, with the weights of a file, of its spec's, or random ones."""
    spec, seed = load_spec(spec), seed_of_next(find_device(device))
    file = spec.weights_file if weights is None else weights
    backbone = pyramid_backbone(spec, weights=file, partial=partial, device=device)
    _, height, width = spec.input
    options = {
        "min_size": min(height, width),
        "max_size": max(height, width),
        "image_mean": [*spec.preprocess.mean],
        "image_std": [*spec.preprocess.std],
        **PARTS[recipe.kind](backbone),
        **recipe.options,
    }
    detector = kind(backbone, recipe.num_classes, **options)
    backbone.recipe = recipe
    backbone.heads = remembered(_heads(detector), seed)
    if file is not None:
        _fill_heads(detector, backbone, file, partial=partial)
    return detector.to(device)


def _heads(detector: nn.Module) -> dict[str, Tensor]:
    """The weights of a detector that are not its backbone's."""
    state = detector.state_dict()
    return {key: value for key, value in state.items() if not key.startswith("backbone.")}


def _fill_heads(
    detector: nn.Module, backbone: PyramidBackbone, file: str | Path, *, partial: bool
) -> None:
    """Fills the heads from a file that holds a whole detector. Raises `FileError` on a misfit."""
    said, content = read_content(file)
    given = unwrap(content, file).heads
    if not given:
        return
    heads = _heads(detector)
    fitting = {k: v for k, v in given.items() if k in heads and heads[k].shape == v.shape}
    wrong = next((key for key in (*heads, *given) if key not in fitting), None)
    if wrong is not None and not partial:
        shapes = (tuple(its[wrong].shape) if wrong in its else "none" for its in (heads, given))
        expected, got = shapes
        raise FileError(
            f"{quoted(str(file), 200)} holds another detector: {quoted(wrong, 200)}: expected "
            f"{expected}, got {got}",
            "to take what fits, load it partially (--partial, or partial=True)",
        )
    detector.load_state_dict(fitting, strict=False)
    backbone.heads = backbone.heads.but_for(fitting)
    random = read_random(said.get("weights"))
    if random is not None:
        drawn = {key: fitting[key] for key in random.among(fitting)}
        backbone.heads = backbone.heads.and_also(remembered(drawn, random.seed))


def _regions(backbone: PyramidBackbone) -> dict[str, Any]:
    """Anchors of 8 cells a side at every level, and region pooling from the finest four."""
    sizes = tuple((32 * 2**i,) for i in range(backbone.levels))
    anchors = AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * backbone.levels)
    return {"rpn_anchor_generator": anchors, "box_roi_pool": _pooling(backbone, 7)}


def _masks(backbone: PyramidBackbone) -> dict[str, Any]:
    return {**_regions(backbone), "mask_roi_pool": _pooling(backbone, 14)}


def _points(backbone: PyramidBackbone) -> dict[str, Any]:
    """One anchor a cell, of its level's stride."""
    sizes = tuple((8 * 2**i,) for i in range(backbone.levels))
    return {"anchor_generator": AnchorGenerator(sizes, ((1.0,),) * backbone.levels)}


PARTS: Mapping[str, Callable[[PyramidBackbone], dict[str, Any]]] = {
    "faster_rcnn": _regions,
    "mask_rcnn": _masks,
    "fcos": _points,
}
"""Kind of detector -> the parts that fit our pyramid."""


def _pooling(backbone: PyramidBackbone, size: int) -> MultiScaleRoIAlign:
    levels = list(ROI_LEVELS[: backbone.levels])
    return MultiScaleRoIAlign(levels, output_size=size, sampling_ratio=2)
