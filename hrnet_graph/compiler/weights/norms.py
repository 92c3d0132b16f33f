"""The names of norms in OpenMMLab's repositories, which call a layer by its kind: `bn1`, `gn1`.

Source: mmcv 2.1, cnn/bricks/norm.py, `infer_abbr`, by which `build_norm_layer` names what it makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

BATCH = "bn"

KINDS = (BATCH, "gn", "in", "ln")

_CALLED = re.compile(rf"(?:(?<=\.)|^)({'|'.join(KINDS)})(?=\d?\.)")
"""A part of a key that is the name of a norm, without its number."""


def of_batch(key: str) -> str:
    """A key under the name of a batch norm, as all published networks have."""
    return of_kind(key, BATCH)


def of_kind(key: str, norm: str) -> str:
    """A key whose norm, if it is one's, is called by this abbreviation."""
    return _CALLED.sub(norm, key)


def kind_in(key: str) -> str:
    """The abbreviation by which a key calls a norm; that of batch norms where it calls none."""
    found = _CALLED.search(key)
    return found[1] if found else BATCH


def without_statistics(keys: Iterable[str]) -> list[str]:
    """The published scales of norms that hold no statistics: of which kind, no key says."""
    keys = set(keys)
    scales = (key.removesuffix(".bias") for key in sorted(keys) if key.endswith(".bias"))
    return [
        f"{at}.weight"
        for at in scales
        if _CALLED.search(f"{at}.") and f"{at}.running_mean" not in keys
    ]
