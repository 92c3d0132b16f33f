"""The catalogue: published networks, and variants, found in a checkout and in a wheel alike."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from hrnet_graph.choices import SPECS
from hrnet_graph.errors import NOWHERE, Problem, SpecError, nearest, quoted
from hrnet_graph.files import is_file
from hrnet_graph.spec import weights_file
from hrnet_graph.spec.foreign import refuse_python
from hrnet_graph.spec.source import STDIN, need

TASKS = {
    "classification": "classification",
    "heatmap": "pose",
    "bottom_up": "bottom-up pose",
    "dekr": "bottom-up pose",
    "segmentation": "segmentation",
    "ocr": "segmentation",
    "regression": "pose",
    "simcc": "pose",
    "upernet": "segmentation",
    "landmark": "landmarks",
    "feature_pyramid": "detection",
    "features": "backbone",
    "multi": "several tasks",
}
"""Head -> the task that it is for; a head of another package is called by its own name."""


VARIANTS = "variants"
"""The folder of variants in the catalogue's."""


@cache
def folder() -> Path:
    """Where the catalogue is: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed, checkout = package / "specs", package.parent / "specs"
    return installed if installed.is_dir() else checkout


@cache
def list_specs() -> tuple[str, ...]:
    """The names in the catalogue, in natural order: `hrnet_w18_cls` before `hrnet_w32_cls`.

    Example:
        >>> "higherhrnet_w32_512" in hg.list_specs()
        True
    """
    return tuple(sorted(path.stem for path in folder().glob("*.yaml")))


@cache
def list_variants() -> tuple[str, ...]:
    """The names of variants that nobody published, each to begin one's own from.

    Example:
        >>> "hrnet_w32_gated_cls" in hg.list_variants()
        True
    """
    return tuple(sorted(path.stem for path in (folder() / VARIANTS).glob("*.yaml")))


def find(spec: str | Path, beside: Path | None = None) -> Path:
    """The file of a spec: a path where it looks like one, else a name in the catalogue; `-` is
    standard input.

    Weights that hold their spec are such a file, unless another spec mentions them.
    A relative path is taken from `beside` (the folder of the spec that mentions it), or from the
    working directory; one that a spec mentions must end as a spec does. Raises `SpecError` if there
    is none.
    """
    text = str(spec)
    if text == str(STDIN) and beside is None:
        return STDIN
    if text.lower().endswith(".onnx"):
        message = f"{quoted(text, 200)} is made for an engine, and its weights are folded"
        hint = "give the .pt, .safetensors or .yaml file that it was built from"
        raise SpecError([Problem(NOWHERE, "", message, hint)])
    endings = (*SPECS, *weights_file.SUFFIXES)
    if isinstance(spec, Path) or "/" in text or "\\" in text or text.endswith(endings):
        path = Path(text) if beside is None else beside / text
        if beside is not None and not text.endswith(SPECS):
            expected = f"expected a spec that ends in {' or '.join(SPECS)}"
            raise SpecError([Problem(NOWHERE, "", f"{expected}, got {quoted(text, 200)}")])
        if not is_file(need(path)):
            raise SpecError([Problem(NOWHERE, "", f"no spec file at {quoted(text, 200)}")])
        refuse_python(path)
        return path
    refuse_python(text)
    if text in list_variants():
        return folder() / VARIANTS / f"{text}.yaml"
    if text not in list_specs():
        known = (*list_specs(), *list_variants())
        message = f"no spec named {quoted(text)} in the catalogue{nearest(text, known)}"
        hint = "`hrnet-graph list` shows the names; a file needs its suffix, as in my.yaml"
        raise SpecError([Problem(NOWHERE, "", message, hint)])
    return folder() / f"{text}.yaml"
