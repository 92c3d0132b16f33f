"""Tells what kind of config a file is, and imports it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hrnet_graph.errors import FileError, quoted
from hrnet_graph.files import is_file
from hrnet_graph.spec.importers.config import Imported
from hrnet_graph.spec.importers.literals import read_literals
from hrnet_graph.spec.importers.openmmlab import from_openmmlab
from hrnet_graph.spec.importers.timm import from_timm
from hrnet_graph.spec.importers.yacs import from_yacs
from hrnet_graph.spec.load import load_spec, name_from
from hrnet_graph.spec.schema import Spec
from hrnet_graph.spec.source import parse, read_text


def import_config(source: str | Path) -> tuple[Spec, Imported]:
    """A published yacs config, an OpenMMLab config or a timm name, as a spec.

    Nothing of the file is run. Raises `FileError` or `SpecError` if it is no config of this family.
    """
    path = Path(source)
    try:
        if is_file(path):
            imported, name = _import(path), name_from(path)
        else:
            imported, name = from_timm(str(source)), str(source).partition(".")[0]
    except FileError as error:
        where = quoted(str(source), 200)
        raise FileError(f"{where}: {error.message}", error.hint) from None
    data = dict(imported.spec)
    base = data.pop("extends", None)
    if base is None:
        return load_spec({"name": name, **_by_width(data)}), imported
    changes = {f"head.{key}": value for key, value in data.get("head", {}).items()}
    return load_spec(base, {"name": name, **changes}), imported


def _by_width(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Spec data whose stages state no channels that are width * 2^i, as the catalogue's do."""
    width = spec["stages"][-1]["channels"][0]
    usual = {n: [width * 2**i for i in range(n)] for n in range(2, 17)}
    stages = [
        {key: value for key, value in stage.items() if value != usual.get(stage["branches"])}
        for stage in spec["stages"]
    ]
    return {**spec, **({"width": width} if stages != spec["stages"] else {}), "stages": stages}


def _import(path: Path) -> Imported:
    text = read_text(path)
    if path.suffix == ".py":
        return from_openmmlab(read_literals(text))
    data = parse(text, str(path)).plain()
    return from_yacs(data) if "MODEL" in data else from_openmmlab(data)
