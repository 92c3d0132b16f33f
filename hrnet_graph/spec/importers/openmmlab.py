"""OpenMMLab's configs: the backbone, and what each repository makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hrnet_graph.errors import FileError, quoted
from hrnet_graph.spec.importers.config import PACKAGES, Config, Imported
from hrnet_graph.spec.importers.ddrnet import read_ddrnet
from hrnet_graph.spec.importers.hrformer import read_mmpose, read_official
from hrnet_graph.spec.importers.images import read_labels, read_scale
from hrnet_graph.spec.importers.litehrnet import keys_of, read_lite
from hrnet_graph.spec.importers.norm import frozen, read_norm
from hrnet_graph.spec.importers.openmmlab_heads import DETECTOR_PARTS, head_section, read_head
from hrnet_graph.spec.importers.stages import BILINEAR, NORMAL, read_stage
from hrnet_graph.spec.source import Located

HARMLESS = (
    "model.pretrained",
    "model.init_cfg",
    "model.train_cfg",
    "model.test_cfg",
    "model.data_preprocessor",
    "model.metainfo",
    "model.use_syncbn",
    "model.freeze_*",
    "model.img_norm_cfg",
    "model.loss_pose",
    "model.backbone.init_cfg",
    "model.backbone.pretrained",
    "model.backbone.norm_eval",
    "model.backbone.with_cp",
    "model.backbone.frozen_stages",
    "model.backbone.zero_init_residual",
    "model.backbone.norm_cfg.requires_grad",
    "model.backbone.extra.pretrained_layers",
    "model.backbone.extra.final_conv_kernel",
    *(
        f"model.backbone.extra.stage1.{key}"
        for key in ("num_heads", "*mlp_ratios", "*window_sizes")
    ),
    *(
        f"{neck}.{key}"
        for neck in ("model.neck", "model.neck.?")
        for key in ("init_cfg", "with_cp")
    ),
    *(
        f"{head}.{key}"
        for head in ("model.*head", "model.decode_head.?")
        for key in (
            *(
                "init_cfg",
                "loss*",
                "*_loss",
                "train_cfg",
                "test_cfg",
                "decoder",
                "dropout_ratio",
                "topk",
            ),
            *("norm_cfg.requires_grad", "norm_cfg.momentum", "ignore_index", "sampler"),
            *("threshold", "cal_acc"),
        )
    ),
    "*._delete_",
)
"""Keys that say how weights start, are trained, frozen or stored while they are, or judged.

Source: the classes' arguments in mmpose 0.x and 1.3, mmsegmentation 1.2, mmdet 3.3, mmpretrain 1.2.
"""

BACKBONES = ("HRNet", "HighResolutionNet", "SyncHighResolutionNet")
"""The names of the class in OpenMMLab's and in HRNet-Object-Detection's code."""

DDRNET = "DDRNet"

DESCENDANTS: Mapping[str, Callable[[Config], dict[str, Any]]] = {
    "LiteHRNet": read_lite,
    "HRFormer": read_mmpose,
    "HRT": read_official,
}
"""The classes of backbones that came of HRNet -> what reads them. HRT is HRFormer's own."""

PLAIN_CONV = (None, {"type": "Conv2d"}, {"type": "Conv"})

ARCHITECTURES = {f"w{width}": width for width in (18, 30, 32, 40, 44, 48, 64)}
"""mmpretrain's `arch` -> width. Source: mmpretrain 1.2, models/backbones/hrnet.py, `arch_zoo`."""


@dataclass(frozen=True)
class Framework:
    """What a repository's own HRNet does where a config says nothing."""

    name: str
    bilinear: bool = False
    """Whether its fuses upsample bilinearly, with corners not aligned; else nearest."""
    outputs_in_extra: bool = False
    """Whether `extra.stage4.multiscale_output` says that all branches are handed on, by default the
    finest; else `multiscale_output` of the backbone, by default all."""


MODELS: Mapping[str, str] = {
    **dict.fromkeys(("TopDown", "BottomUp", "AssociativeEmbedding"), "mmpose"),
    "DisentangledKeypointRegressor": "mmpose",
    **dict.fromkeys(("TopdownPoseEstimator", "BottomupPoseEstimator"), "mmpose"),
    **dict.fromkeys(("EncoderDecoder", "CascadeEncoderDecoder"), "mmseg"),
    "ImageClassifier": "mmpretrain",
}
"""Classes that run backbone, neck and head one after the other and nothing else -> their package.

Source: mmpose 0.x and 1.3, mmsegmentation 1.2, mmpretrain 1.2.
"""

FRAMEWORKS = {
    "mmpose": Framework("mmpose", outputs_in_extra=True),
    "mmseg": Framework("mmseg", bilinear=True),
    "mmdet": Framework("mmdet"),
    "mmpretrain": Framework("mmpretrain"),
}
"""By scope. Source: `HRNet` in each repository's models/backbones/hrnet.py."""


def from_openmmlab(
    root: Located, risked: tuple[str, ...] = (), backbone_only: bool = False
) -> Imported:
    """A config, its model, its backbone or the backbone's `extra` alone, as spec data.

    Raises `FileError` if it describes no network of this family.

    Source: mmpose 0.x and 1.3, mmsegmentation 1.2, mmdet 3.3, mmpretrain 1.2, `HRNet` and heads.
    """
    config = Config(_as_config(root), risked)
    kind = config.kind("model.backbone.type", "HRNet")
    if kind == DDRNET:
        return read_ddrnet(config, _image(config), HARMLESS, backbone_only)
    if kind is not None and kind in DESCENDANTS:
        return _descendant(config, kind, backbone_only)
    if kind not in BACKBONES:
        known = ", ".join((BACKBONES[0], DDRNET, *DESCENDANTS))
        expected = f"expected a config whose backbone is one of {known}"
        config.refuse("model.backbone.type", f"{expected}, got {quoted(kind)}")
    config.expect("model.backbone.conv_cfg", *PLAIN_CONV)
    section = head_section(config)
    framework = FRAMEWORKS[_framework(config, section)]
    stages = _stages(config, framework)
    norm = read_norm(config, "model.backbone.norm_cfg", kind == "SyncHighResolutionNet")
    norm = frozen(config, "model.backbone", norm)
    outputs = _outputs(config, framework)
    if outputs == 1:
        stages[-1]["outputs"] = 1
    if backbone_only or section is None:
        spec = _backbone_alone(config, section)
    else:
        _expect_chain(config, section)
        spec = read_head(config, section, stages, norm)
    fuse = _fuse(config, framework)
    spec |= {"stages": stages} | ({"fuse": fuse} if fuse else {})
    return _imported(config, spec, norm)


def _descendant(config: Config, kind: str, backbone_only: bool) -> Imported:
    """A network of a backbone that came of HRNet, before one convolution to heatmaps."""
    section = head_section(config)
    for key in ("model.backbone._scope_", "model._scope_", "default_scope"):
        config.expect(key, None, *PACKAGES)
    config.expect("model.backbone.conv_cfg", *PLAIN_CONV)
    norm = frozen(config, "model.backbone", read_norm(config, "model.backbone.norm_cfg"))
    spec = DESCENDANTS[kind](config)
    stages = spec["stages"]
    if kind == "LiteHRNet":  # which hands on its finest map
        last = {**stages[-1], "outputs": 1}
    elif _outputs(config, FRAMEWORKS["mmpose"]) == 1:
        last = stages[-1] = {**stages[-1], "outputs": 1}
    else:
        last = stages[-1]
    config.described("model")  # which may be any, where its backbone alone is read
    keys, prefix = dict[str, str](), ""
    if section is None or backbone_only:
        head = _backbone_alone(config, section)
        if kind == "LiteHRNet":
            head["head"]["out_indices"] = [0]
    else:
        _expect_chain(config, section)
        head = read_head(config, section, [*stages[:-1], last], norm)
        if head["head"]["kind"] != "heatmap":
            what = "expected one convolution to heatmaps behind this backbone"
            config.refuse(section, what, "--backbone-only imports the backbone alone")
        head |= {"backbone": "backbone", "init": {**NORMAL, "conv_bias": "zero"}}
        parts = ("final_layer", *(["deconv_layers"] if "deconv" in head["head"] else []))
        keys, prefix = {part: f"keypoint_head.{part}" for part in parts}, "backbone."
    if kind == "LiteHRNet":
        keys = {**keys_of(stages, prefix), **keys}
    return _imported(config, {**spec, **head} | ({"keys": keys} if keys else {}), norm)


def _imported(config: Config, spec: dict[str, Any], norm: dict[str, Any] | None) -> Imported:
    """The spec with what a config says of images, norms and labels."""
    channels = config.integer("model.backbone.in_channels", 3)
    spec = {"input": [channels, *_image(config)], **spec}
    spec |= {"norm": norm} if norm else {}
    resize = {"resize": "fit"} if spec["head"]["kind"] == "feature_pyramid" else {}
    resize |= {"resize": "crop"} if spec["head"]["kind"] == "classification" else {}
    spec["preprocess"] = {**resize, **read_scale(config, channels)}
    spec |= read_labels(config, spec["head"], config.known("dataset_type"))
    return config.imported(spec, "model", HARMLESS)


def _as_config(root: Located) -> Located:
    """A part of a config as if it stood in a whole one."""
    inside = dict(root.children())
    for name, keys in (
        ("model", ()),
        ("backbone", ("model",)),
        ("extra", ("model", "backbone")),
        ("stage2", ("model", "backbone", "extra")),
    ):
        if name in inside:
            for key in reversed(keys):
                root = Located({key: root}, root.mark)
            return root
    expected = "expected an OpenMMLab config with `model`, `backbone` or `extra`"
    raise FileError(f"{root.mark.file}: {expected}")


def _expect_chain(config: Config, section: str) -> None:
    """That the model is its backbone and head alone; a pyramid is itself, whatever reads it."""
    if section == "model.neck":
        return
    kind = config.kind("model.type")
    if kind is not None and kind not in MODELS:
        problem = f"{quoted(kind)} may be more than its backbone and head"
        hint = f"--ignore model.type reads it as these alone, as {', '.join(MODELS)} are"
        config.refuse("model.type", problem, hint)


def _framework(config: Config, section: str | None) -> str:
    """The repository whose code reads the config: its scope, or else the one with such a head."""
    names = {"mmcls": "mmpretrain", "mmsegmentation": "mmseg", "mmdetection": "mmdet"}
    said = ("model.backbone._scope_", "model._scope_", "default_scope")
    by_type = MODELS.get(config.described("model").rpartition(".")[2])
    for key in said:
        config.expect(key, None, *PACKAGES)
    found = (config.scope("model.backbone.type"), *map(config.get, said), by_type)
    for scope in found:
        if isinstance(scope, str) and names.get(scope, scope) in FRAMEWORKS:
            return names.get(scope, scope)
    by_section = {"model.decode_head": "mmseg", "model.neck": "mmdet", None: "mmdet"}
    if section == "model.head" and config.kind("model.head.type") == "LinearClsHead":
        return "mmpretrain"
    if section is None:
        config.assumed.append("fuses and outputs as mmdet's and mmpretrain's, since no head tells")
    return by_section.get(section, "mmpose")


def _stages(config: Config, framework: Framework) -> list[dict[str, Any]]:
    arch, extra = "model.backbone.arch", "model.backbone.extra"
    if framework.name == "mmpretrain" and not config.has(extra):
        name = config.expect(arch, *ARCHITECTURES, default="w32")
        return _published_stages(ARCHITECTURES[name])
    if config.has(arch):
        config.refuse(arch, "expected `extra` or `arch` of mmpretrain, got `arch` elsewhere")
    if not isinstance(config.get(extra), Mapping):
        config.refuse(extra, "expected a config whose backbone is an HRNet with `extra`")
    stages = [
        read_stage(config, key, f"{key}.num_branches", str.lower, number == 1)
        for number in range(1, 9)
        if config.has(key := f"{extra}.stage{number}")
    ]
    if len(stages) != 4:
        config.refuse(extra, f"expected the four stages of the network, got {len(stages)}")
    return stages


def _published_stages(width: int) -> list[dict[str, Any]]:
    """The stages of the published classifiers. Source: TPAMI 2020, section 3; `arch_zoo`."""
    modules = (1, 1, 4, 3)
    rows = [[64]] + [[width * 2**i for i in range(count)] for count in (2, 3, 4)]
    return [
        {
            "block": "basic" if number else "bottleneck",
            "branches": len(row),
            "modules": modules[number],
            "blocks": 4,
            "channels": row,
        }
        for number, row in enumerate(rows)
    ]


def _outputs(config: Config, framework: Framework) -> int | None:
    """1 if the last stage hands on its finest branch alone, None for all branches."""
    if framework.outputs_in_extra:
        key, default = "model.backbone.extra.stage4.multiscale_output", False
    else:
        key, default = "model.backbone.multiscale_output", True
    return None if config.flag(key, default) else 1


def _fuse(config: Config, framework: Framework) -> dict[str, Any] | None:
    key = "model.backbone.extra.upsample"
    if not framework.outputs_in_extra or not config.has(key):
        return dict(BILINEAR) if framework.bilinear else None
    mode = config.expect(f"{key}.mode", "nearest", "bilinear", default="nearest")
    aligned = config.expect(f"{key}.align_corners", None, True, False)
    return {**BILINEAR, "align_corners": bool(aligned)} if mode == "bilinear" else None


def _backbone_alone(config: Config, section: str | None) -> dict[str, Any]:
    if section is None:
        config.assumed.append("no head: the maps of the last stage")
    for key in ("neck", "head", "keypoint_head", "decode_head", "auxiliary_head", *DETECTOR_PARTS):
        config.leave(f"model.{key}", config.described(f"model.{key}"))
    return {"head": {"kind": "features"}}


def _image(config: Config) -> list[int]:
    """Height and width of the image, from wherever a config says it."""
    for key in (
        "model.head.input_size",
        "model.head.decoder.input_size",
        "codec.input_size",
        "data_cfg.image_size",
    ):
        if config.has(key):
            width, height = config.size(key)
            return [height, width]
    for key in ("crop_size", "model.data_preprocessor.size"):
        if config.has(key):
            return config.size(key)
    config.assumed.append("an image of 256x256, since the config states none")
    return [256, 256]
