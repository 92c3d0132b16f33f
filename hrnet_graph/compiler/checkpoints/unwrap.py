"""The weights among what a checkpoint holds, whatever training code put around them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hrnet_graph.compiler.checkpoints.placeholders import Placeholder
from hrnet_graph.compiler.torch.dense import unsupported_kind
from hrnet_graph.errors import FileError, quoted

WRAPPERS = (
    *("best_state_dict", "state_dict", "model_state_dict", "model", "module", "network", "net"),
    *("state_dict_ema", "model_ema", "ema_state_dict", "ema", "teacher"),
)
"""Under which keys training code puts the weights; the first that is there is taken."""

MAX_WRAPPERS = 8
"""One in the other; a mapping may hold itself."""

PREFIXES = ("module.", "model.", "model_ema.", "ema.", "teacher.")
"""What parallel, averaging and training wrappers put in front of every key."""

WITHIN = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")
"""What torch puts into keys where it compiled, sharded or checkpointed a part."""

DETECTOR = "backbone.network."
"""What stands in front of the keys of a detector's pyramid; the others are of its heads."""

TRAINING_ONLY = ("loss.", "criterion.", "n_averaged", "steps")
"""How the keys of what only training needs begin; the last two count what was averaged.

Source: torch.optim.swa_utils, `AveragedModel`; mmengine 0.10, `BaseAveragedModel`.
"""


RESCORING = ("rescore_net.", "head.rescore_net.", "keypoint_head.rescore_net.")
"""How mmpose's keys begin of the network that rescores DEKR's poses, which reads other links."""


WHOLE = ("num_batches_tracked", "_index", "regular_matrix")
"""How the keys of weights end that are whole numbers: counters, positions and constant grids."""

BESIDE = {"is for training only": TRAINING_ONLY, "rescores poses": RESCORING}
"""Why weights are none of the network's -> how their keys begin."""


SMALL = 4096
"""How many numbers are copied sooner than a sum of their own is begun."""


@dataclass(frozen=True)
class Unwrapped:
    """The weights of a file under bare keys, what they were wrapped in, and what was left out.

    heads: those of a whole detector that are not its backbone's, under the detector's own keys
    """

    weights: Mapping[str, Tensor]
    wrapping: tuple[str, ...]
    ignored: tuple[tuple[str, str], ...]
    heads: Mapping[str, Tensor]


def unwrap(content: object, path: str | Path, prefix: str | None = None) -> Unwrapped:
    """The weights in what a file holds, of those whose keys begin with `prefix`, which is left off.

    Raises `FileError` if none are, or no plain numbers.
    """
    where = quoted(str(path), 200)
    content, wrapping, ignored = _opened(content, path)
    weights = {k: v for k, v in content.items() if isinstance(k, str) and isinstance(v, Tensor)}
    ignored += [(str(key), "is no weight") for key in content if key not in weights]
    if prefix:
        chosen = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
        ignored += [(k, "has another prefix") for k in weights if not k.startswith(prefix)]
        if not chosen:
            some = ", ".join(quoted(key, 80) for key in list(weights)[:3])
            wanted = f"expected keys that begin with {quoted(prefix)}"
            raise FileError(f"{where}: {wanted}, got {some}, ...")
        wrapping.append(prefix)
        weights = chosen
    weights = _without_marks(weights, wrapping)
    while True:
        weights = _without_beside(weights, ignored)
        if not weights:
            raise FileError(f"{where}: expected named weights, got none")
        known = next((p for p in PREFIXES if all(key.startswith(p) for key in weights)), None)
        if known is None:
            break
        wrapping.append(known)
        weights = {key.removeprefix(known): value for key, value in weights.items()}
    heads: dict[str, Tensor] = {}
    if any(key.startswith(DETECTOR) for key in weights):
        heads = {key: value for key, value in weights.items() if not key.startswith(DETECTOR)}
        ignored = [*((key, "is of the detector's heads") for key in heads), *ignored]
        wrapping.append(DETECTOR)
        weights = {k.removeprefix(DETECTOR): v for k, v in weights.items() if k not in heads}
    _expect_numbers({**weights, **heads}, where)
    return Unwrapped(weights, tuple(wrapping), tuple(ignored), heads)


def _expect_numbers(weights: Mapping[str, Tensor], where: str) -> None:
    """That all weights are plain numbers. Raises `FileError` for the first that are not."""
    for key, value in weights.items():
        if kind := unsupported_kind(value):
            raise FileError(
                f"{where}: expected plain numbers for {quoted(key, 200)}, got a {kind} tensor",
                "make it one of real numbers in memory before it is saved",
            )
        if not value.is_floating_point() and value.dim() and not key.endswith(WHOLE):
            kind = str(value.dtype).removeprefix("torch.")
            raise FileError(
                f"{where}: expected real numbers for {quoted(key, 200)}, got {kind}",
                "whole numbers are perhaps quantised ones; load those from before",
            )
    expect_finite(weights, where, "load a checkpoint from before")


def expect_finite(weights: Mapping[str, Tensor], where: str, remedy: str) -> None:
    """That all weights are finite. Raises `FileError` that names the first and counts them."""
    if _sum_is_finite(weights.values()):  # as it is of almost all, and faster than one by one
        return
    lost = {key: count for key, value in weights.items() if (count := _lost(value))}
    if lost:
        key, count = next(iter(lost.items()))
        more = f"; {len(lost)} weights have such" if len(lost) > 1 else ""
        what = f"{count:,} of {weights[key].numel():,} are NaN or infinite{more}"
        raise FileError(
            f"{where}: expected finite numbers for {quoted(key, 200)}, {what}",
            f"its training has perhaps diverged; {remedy}",
        )


def _sum_is_finite(values: Iterable[Tensor]) -> bool:
    """Whether no number is NaN or infinite, small tensors laid side by side to be summed at once.

    The sum of finite numbers may be infinite, so that a no has to be looked at.
    """
    small: dict[torch.device, list[Tensor]] = {}
    sums = []
    for value in values:
        if not value.is_floating_point():
            continue
        if value.numel() <= SMALL:
            small.setdefault(value.device, []).append(_in_single(value).reshape(-1))
        else:
            sums.append(_in_single(_held(value)).sum())
    sums += [torch.cat(each).sum() for each in small.values()]
    return all(math.isfinite(each.item()) for each in sums)


def _in_single(value: Tensor) -> Tensor:
    return value.float() if value.itemsize < torch.float32.itemsize else value


def _lost(value: Tensor) -> int:
    """How many numbers of a tensor are not finite."""
    if not value.is_floating_point() or not value.numel():
        return 0
    return int((~_in_single(_held(value)).isfinite()).sum())


def _held(value: Tensor) -> Tensor:
    """The numbers that a tensor's memory holds, where it repeats them."""
    span = 1 + sum((n - 1) * step for n, step in zip(value.shape, value.stride(), strict=True))
    return value.as_strided((span,), (1,)) if span < value.numel() else value


def _without_beside(
    weights: dict[str, Tensor], ignored: list[tuple[str, str]]
) -> dict[str, Tensor]:
    """Weights without those that are none of a network's, whose reasons are noted."""
    for why, begin in BESIDE.items():
        ignored += [(key, why) for key in weights if key.startswith(begin)]
        weights = {key: value for key, value in weights.items() if not key.startswith(begin)}
    return weights


def _without_marks(weights: dict[str, Tensor], wrapping: list[str]) -> dict[str, Tensor]:
    """Weights without what stands `WITHIN` their keys; as they are if two would have one key."""
    for mark in WITHIN:
        bare = {key.replace(mark, ""): value for key, value in weights.items()}
        if bare.keys() != weights.keys() and len(bare) == len(weights):
            wrapping.append(mark)
            weights = bare
    return weights


def _opened(
    content: object, path: str | Path
) -> tuple[Mapping[Any, object], list[str], list[tuple[str, str]]]:
    """The mapping inside all `WRAPPERS`, those that were opened, and what stood beside them."""
    wrapping: list[str] = []
    ignored: list[tuple[str, str]] = []
    while isinstance(content, Mapping) and len(wrapping) < MAX_WRAPPERS:
        _refuse_module(content, path)
        inner = next((w for w in WRAPPERS if isinstance(content.get(w), Mapping)), None)
        if inner is None:
            return content, wrapping, ignored
        ignored += [(str(key), f"stands beside {inner}") for key in content if key != inner]
        wrapping.append(inner)
        content = content[inner]
    _refuse_module({"": content}, path)
    where = quoted(str(path), 200)
    raise FileError(f"{where}: expected named weights, got {type(content).__name__}")


def _refuse_module(content: Mapping[object, object], path: str | Path) -> None:
    """Raises `FileError` if a file holds a whole pickled module where its weights should be."""
    for key in ("", *WRAPPERS):
        held = content.get(key)
        if isinstance(held, Placeholder) and held.is_module:
            part = f"[{key!r}]" if key else ""
            code = f"import torch; m = torch.load({str(path)!r}, weights_only=False){part}"
            saved = "torch.save(m.state_dict(), 'weights.pth')"
            raise FileError(
                f"{quoted(str(path), 200)} holds a pickled module, {held.described}, not weights",
                f'where its code is, and trusted: python -c "{code}; {saved}"',
            )
