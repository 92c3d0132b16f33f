"""Tells what kind of config a file is, and imports it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hrnet_graph.errors import FileError, quoted
from hrnet_graph.files import is_file
from hrnet_graph.spec.importers.config import Config, Imported
from hrnet_graph.spec.importers.openmmlab import from_openmmlab
from hrnet_graph.spec.importers.paddle import classifier_of, from_paddle, is_paddle
from hrnet_graph.spec.importers.python.config import read_python
from hrnet_graph.spec.importers.timm import from_timm
from hrnet_graph.spec.importers.yacs import from_yacs
from hrnet_graph.spec.load import load_spec, name_from
from hrnet_graph.spec.schema import Spec
from hrnet_graph.spec.source import parse, read_text

NEXT = (
    "write there what is expected, or the network as a spec: `hrnet-graph list` shows the"
    " catalogue's, `hrnet-graph init NAME` begins one"
)
"""What to do where a refusal says nothing nearer."""

OCR = "hrformer_small_ocr_cityscapes"
"""The catalogue's network of HRFormer's segmentation."""

BASES = "_base_"
"""What is ignored to read a Python config without its bases."""


def import_config(
    source: str | Path,
    *,
    base: Path | None = None,
    ignore: Sequence[str] = (),
    backbone_only: bool = False,
) -> tuple[Spec, Imported]:
    """A published yacs config, an OpenMMLab or PaddleClas config, or a timm name, as a spec.

    Nothing of the file is run. Its bases are read in its own tree and in `base`. `ignore` lists
    keys to read it without, though they may make another network; with `backbone_only` the head is
    left.

    Raises `FileError` or `SpecError`, naming place and key, if it is no config of this family or
    says anything of the network that is not understood.
    """
    path = Path(source)
    try:
        if is_file(path):
            imported, name = _import(path, base, tuple(ignore), backbone_only), name_from(path)
        else:
            imported, name = _from_name(str(source)), str(source).partition(".")[0]
    except FileError as error:
        raise FileError(error.message, error.hint or NEXT) from None
    data = dict(imported.spec)
    extended = data.pop("extends", None)
    if extended is None:
        return load_spec({"name": name, **_by_width(data)}), imported
    changes = {f"head.{key}": value for key, value in data.get("head", {}).items()}
    changes |= {key: value for key, value in data.items() if key != "head"}
    return load_spec(extended, {"name": name, **changes}), imported


def _by_width(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Spec data whose stages state no channels that are width * 2^i, as the catalogue's do."""
    width = spec["stages"][-1]["channels"][0]
    usual = {n: [width * 2**i for i in range(n)] for n in range(2, 17)}
    stages = [
        {key: value for key, value in stage.items() if value != usual.get(stage["branches"])}
        for stage in spec["stages"]
    ]
    return {**spec, **({"width": width} if stages != spec["stages"] else {}), "stages": stages}


def _from_name(name: str) -> Imported:
    paddle = classifier_of(name)
    if paddle is not None:
        return Imported(paddle, ())
    try:
        return from_timm(name)
    except FileError as error:
        raise FileError(f"{quoted(name, 200)}: {error.message}", error.hint) from None


def _import(
    path: Path, base: Path | None, ignore: tuple[str, ...], backbone_only: bool
) -> Imported:
    if path.suffix == ".py":
        root = read_python(path, base, without_bases=BASES in ignore)
        keys = tuple(key for key in ignore if key != BASES)
        imported = from_openmmlab(root, keys, backbone_only)
        return imported if keys == ignore else _with_risk(imported)
    root = parse(read_text(path), str(path))
    inside = dict(root.children())
    for key in ("_BASE_", "_base_", "__BASE__", "BASE"):
        if key in inside and key not in ignore:
            problem = "the bases of YAML configs are not followed"
            hint = f"write the config out, or read the file without its base: --ignore {key}"
            raise FileError(f"{inside[key].mark}: {key}: {problem}", hint)
    if "MODEL" in inside:
        return from_yacs(Config(root, ignore), backbone_only)
    if "network" in inside and "data" in inside:
        what = "a config of openseg.pytorch, which HRFormer's segmentation runs, states no network"
        hint = f"its scripts do, by name; `hrnet-graph init {OCR}` begins with that network"
        raise FileError(f"{inside['network'].mark}: network: {what}", hint)
    if is_paddle(root):
        return from_paddle(root, ignore)
    return from_openmmlab(root, ignore, backbone_only)


def _with_risk(imported: Imported) -> Imported:
    return replace(imported, risked=(BASES, *imported.risked))
