"""timm's names."""

from __future__ import annotations

from hrnet_graph.errors import FileError, did_you_mean, quoted
from hrnet_graph.spec.importers.config import Imported

_VARIANTS = {
    "hrnet_w18_small": "hrnet_w18_small_v1_cls",
    "hrnet_w18_small_v2": "hrnet_w18_small_v2_cls",
    **{f"hrnet_w{width}": f"hrnet_w{width}_cls" for width in (18, 30, 32, 40, 44, 48, 64)},
}
_WITHOUT_BIAS = {f"{name}_ssld": _VARIANTS[name] for name in ("hrnet_w18", "hrnet_w48")}

NAMES = (*_VARIANTS, *_WITHOUT_BIAS)
"""The names that timm gives the classifiers, without the tags of their weights."""


def from_timm(name: str) -> Imported:
    """The catalogue's network for a timm name such as `hrnet_w18_small.ms_in1k`, as spec data.

    Source: timm 1.0, timm/models/hrnet.py.
    """
    plain, _, tag = name.partition(".")
    ignored = (f"the tag '{tag}', which names weights",) if tag else ()
    if plain in _VARIANTS:
        return Imported({"extends": _VARIANTS[plain]}, ignored)
    if plain in _WITHOUT_BIAS:
        return Imported({"extends": _WITHOUT_BIAS[plain], "head": {"bias": False}}, ignored)
    raise FileError(f"no file and no timm network named {quoted(name)}{did_you_mean(plain, NAMES)}")
