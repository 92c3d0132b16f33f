"""Checkpoints of one repository, written as another's."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from hrnet_graph.choices import CHECKPOINTS
from hrnet_graph.compiler.checkpoints import files
from hrnet_graph.compiler.checkpoints.load import INPLACE_EPS, is_norm_weight, published_weights
from hrnet_graph.compiler.checkpoints.paddle import write_paddle
from hrnet_graph.compiler.checkpoints.regroup import put_together
from hrnet_graph.compiler.checkpoints.unwrap import unwrap
from hrnet_graph.compiler.random_weights import read_random
from hrnet_graph.compiler.weights.dialects import Dialect, counterpart
from hrnet_graph.compiler.weights.matching import COUNTER
from hrnet_graph.errors import FileError, quoted
from hrnet_graph.files import check_suffix, check_writable
from hrnet_graph.spec.weights_file import PADDLE, SAFE


def convert(
    path: str | Path,
    to: str,
    output: str | Path,
    *,
    dialect: str | None = None,
    prefix: str | None = None,
) -> Dialect:
    """Writes a checkpoint in another dialect, `.pth`, `.pt`, `.safetensors` or `.pdparams`.

    With `prefix`, the weights whose keys begin with it, which is left off, are meant.

    Returns the dialect that was read. Raises `FileError` if the file cannot be read, holds a whole
    detector, or the dialect is not one for this kind of network.
    """
    suffix = check_suffix(output, CHECKPOINTS)
    check_writable(output)
    said, content = files.read_content(path)
    found = unwrap(content, path, prefix)
    if found.heads:
        raise FileError(
            f"{quoted(str(path), 200)} holds a whole detector, whose heads have no names elsewhere",
            "convert what `hrnet-graph build FILE -o pyramid.pt` makes of it",
        )
    weights = found.weights
    source = files.dialect_of(path, weights, dialect)
    _check_whole(weights, path)
    target = counterpart(source, to)
    if suffix in PADDLE and not target.transposed:
        raise FileError(f"a {suffix} file holds Paddle's names, not those of {target.name}")
    published = _named(published_weights(weights, source), target)
    state = {target.from_published(k): v for k, v in _in_dialect(published, target).items()}
    named = {"dialect": target.name}
    random, about = read_random(said.get("weights")), dict[str, str]()
    if random is not None:
        keys = (target.from_published(source.to_published(key)) for key in random.keys)
        about = {"weights": str(replace(random, keys=tuple(keys)))}
    if suffix in PADDLE:
        write_paddle(state, output, about)
    elif suffix in SAFE:
        files.write_safetensors(state, output, {**named, **about})
    else:
        files.write_pickle(
            {"meta": named, **about, "state_dict": _versioned(state, target)}, output
        )
    return source


def _check_whole(weights: Mapping[str, Tensor], path: str | Path) -> None:
    """Raises `FileError` for a weight that holds fewer numbers than it shows."""
    for key, value in weights.items():
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            problem = f"{quoted(key, 200)} repeats its values, as no weight does"
            raise FileError(f"{quoted(str(path), 200)}: {problem}")


def _named(published: Mapping[str, Tensor], dialect: Dialect) -> dict[str, Tensor]:
    """Published weights that a dialect has names for; some dialects count no batches.

    Raises `FileError` if others are among them.
    """
    kept = {k: v for k, v in published.items() if not (k.endswith(COUNTER) and dialect.lacks(k))}
    if nameless := next(filter(dialect.lacks, kept), None):
        raise FileError(f"the dialect {dialect.name} has no name for {quoted(nameless, 80)}")
    return kept


def _versioned(state: dict[str, Tensor], dialect: Dialect) -> dict[str, Tensor]:
    """Weights that say of which version the parts are that a dialect has several of."""
    if dialect.grouped is None or not dialect.grouped.versions:
        return state
    stated = OrderedDict(state)
    versions = {part: {"version": n} for part, n in dialect.grouped.versions.items()}
    stated._metadata = versions  # type: ignore[attr-defined]  # where torch keeps them
    return stated


def _in_dialect(published: Mapping[str, Tensor], dialect: Dialect) -> dict[str, Tensor]:
    """Published weights with the values that a dialect expects: biases folded, scales undone."""
    weights = put_together(published, dialect)
    for bias, norm in dialect.absent:
        if bias in weights:
            mean = f"{norm}running_mean"
            weights[mean] = weights[mean] - weights.pop(bias)
    for end, (first, *_) in dialect.stacked:
        for key in [key for key in weights if key.endswith(first)]:
            whole = key.removesuffix(first) + end
            weights[whole] = torch.cat([weights.pop(part) for part in dialect.parts(whole)])
    if dialect.inplace_norm:
        for key, value in weights.items():
            if is_norm_weight(key, value):
                if bool((value < INPLACE_EPS).any()):
                    raise FileError(f"{key} has scales below 1e-5, which InPlaceABN cannot express")
                weights[key] = value - INPLACE_EPS
    return {key: _turned(key, value, dialect).contiguous() for key, value in weights.items()}


def _turned(key: str, value: Tensor, dialect: Dialect) -> Tensor:
    """A published weight as a dialect holds it, its matrix turned round where that does."""
    return value.flatten(1).T if dialect.is_transposed(key) else value
