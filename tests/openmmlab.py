"""Imports every HRNet config that OpenMMLab's packages ship, beside the network that they build.

Run as a process of its own, with the packages on the path: prints a line of JSON for every config,
with `outcome` (equal, different, refused), and why. Compiled operators are stood in for by empty
classes, for no HRNet needs one.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.metadata
import json
import re
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

import hrnet_graph as hg
from hrnet_graph.compiler.checkpoints.load import fit
from hrnet_graph.spec.importers.read import import_config

PACKAGES = ("mmpose", "mmseg", "mmdet", "mmpretrain")
STOOD_IN = ("mmcv.ops", "mmcv._ext", "xtcocotools", "pycocotools", "modelindex", "mat4py")
NUMERIC = {
    "td-hm_hrnetv2-w18_8xb64-60e_wflw-256x256",
    "td-hm_hrnet-w32_8xb64-210e_coco-256x192",
    "fcn_hr18s_4xb2-40k_cityscapes-512x1024",
    "ocrnet_hr18s_4xb2-40k_cityscapes-512x1024",
    "faster-rcnn_hrnetv2p-w18-1x_coco",
}
"""Configs whose networks' outputs are compared, too: one a head."""
CONSTANTS = ("regular_matrix", "relative_position_index")
"""How keys end whose numbers never change, and are compared."""


class _Deformable(torch.nn.Conv2d):
    """The weight of a deformable convolution, whose operator is compiled."""

    def __init__(self, *args: Any, deform_groups: int = 1, **options: Any) -> None:
        super().__init__(*args, **{**options, "bias": False})


class _Empty(types.ModuleType):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__ = []

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "DeformConv2d":
            return _Deformable
        return type(name, (), {})


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if any(name == each or name.startswith(f"{each}.") for each in STOOD_IN):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> types.ModuleType:
        return _Empty(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def build(model: Any, scope: str) -> torch.nn.ModuleDict:
    """Backbone, neck and head, as the package's own registry makes them."""
    default_scope = importlib.import_module("mmengine.registry").DefaultScope

    registry = importlib.import_module(f"{scope}.registry")
    parts = torch.nn.ModuleDict()
    keys = ("train_cfg", "test_cfg", "init_cfg")
    with default_scope.overwrite_default_scope(scope):
        for name in ("backbone", "neck", "decode_head", "head"):
            section = model.get(name)
            rows = section if isinstance(section, list) else [section] if section else []
            made = [registry.MODELS.build({k: v for k, v in row.items() if k not in keys})
                    for row in rows]  # fmt: skip
            if made:
                parts[name] = torch.nn.ModuleList(made) if isinstance(section, list) else made[0]
    return parts.eval()


def outputs(parts: torch.nn.ModuleDict, image: torch.Tensor) -> list[torch.Tensor]:
    """What the package's network gives, in the order of ours."""
    maps = parts["backbone"](image)
    if "neck" in parts:
        maps = parts["neck"](maps)
    if "head" in parts:
        return [parts["head"](maps)]
    if "decode_head" not in parts:
        return list(maps)
    heads = parts["decode_head"]
    if isinstance(heads, torch.nn.ModuleList):
        coarse = heads[0](maps)
        return [coarse, heads[1](maps, coarse)]
    return [heads(maps)]


def error_of(spec: hg.Spec, parts: torch.nn.ModuleDict, folder: Path) -> float:
    """The largest relative difference between the outputs of both, with the same weights."""
    for module in parts.modules():
        for name, buffer in module.named_buffers(recurse=False):
            if name == "running_mean":
                buffer.normal_()
            elif name == "running_var":
                buffer.uniform_(0.5, 2)
    path = folder / "weights.pth"
    torch.save({"state_dict": parts.state_dict()}, path)
    model = hg.build_module(spec)
    hg.load_weights(model, path)
    image = torch.randn(1, 3, 128, 128)
    with torch.inference_mode():
        ours = model.eval()(image)
        rows = list(ours.values()) if isinstance(ours, dict) else [*ours] if isinstance(
            ours, list | tuple) else [ours]  # fmt: skip
        pairs = zip(outputs(parts, image), rows, strict=True)
        return max(float((a - b).abs().max() / a.abs().max()) for a, b in pairs)


def compare(path: Path, scope: str, folder: Path) -> dict[str, Any]:
    read = importlib.import_module("mmengine.config").Config.fromfile
    try:
        spec, _ = import_config(path)
    except hg.FileError as refusal:
        return {"outcome": "refused", "why": str(refusal).splitlines()[0]}
    numeric = path.stem in NUMERIC
    counted = any(block.options.get("drop_path") for block in spec.stages[-1].block_rules)
    real = numeric or counted or spec.head.kind == "dekr"  # rates are read of a tensor
    with torch.device("cpu" if real else "meta"):
        parts = build(read(str(path)).model, scope)
    graph = hg.build_graph(spec)
    theirs = {k: p.numel() for k, p in parts.named_parameters() if "rescore_net." not in k}
    params = [sum(theirs.values()), hg.analyze(graph).params]
    row: dict[str, Any] = {"params": params, "head": spec.head.kind}
    if spec.head.kind == "classification":  # biases that the import says it adds
        row["biases"] = sum(
            entry.shape[0]
            for key, entry in graph.state().items()
            if key.endswith(".0.bias") and key.startswith(("downsamp_modules", "final_layer"))
        )
        return row | {"outcome": "equal" if params[1] - params[0] == row["biases"] else "different"}
    state = parts.state_dict().items()
    weights = {
        key: value
        if key.endswith(CONSTANTS) and not value.is_meta
        else torch.zeros((), dtype=value.dtype).expand(value.shape)
        for key, value in state
    }
    torch.save({"state_dict": weights}, folder / "weights.pth")
    report, _ = fit(graph, folder / "weights.pth")
    equal = params[0] == params[1] and report.complete and not report.filled
    if numeric:
        row["error"] = error_of(spec, parts, folder)
        equal = equal and row["error"] < 1e-4
    return row | {"outcome": "equal" if equal else "different"}


def configs(scope: str) -> Iterator[Path]:
    """Every config that a package ships and that names an HRNet, or a base that does."""
    package = Path(str(importlib.import_module(scope).__file__)).parent
    for path in sorted((package / ".mim" / "configs").rglob("*.py")):
        if "datasets" not in path.parts and re.search(
            r"hr(net|former|1|3|4)|litehr|ddrnet|pidnet", path.stem
        ):
            yield path


def main(folder: Path) -> None:
    warnings.filterwarnings("ignore")
    sys.meta_path.insert(0, _Finder())
    sys.modules["importlib_metadata"] = importlib.metadata
    for scope in PACKAGES:
        importlib.import_module(f"{scope}.models")
        for path in configs(scope):
            row = compare(path, scope, folder)
            print(json.dumps({"package": scope, "config": path.stem, **row}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
