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
from hrnet_graph.compiler.checkpoints.load import (
    INPLACE_EPS,
    check_constants,
    is_norm_weight,
    published_weights,
)
from hrnet_graph.compiler.checkpoints.paddle import write_paddle
from hrnet_graph.compiler.checkpoints.positions import positions_as_read
from hrnet_graph.compiler.checkpoints.regroup import put_together
from hrnet_graph.compiler.checkpoints.unwrap import unwrap
from hrnet_graph.compiler.model import graph_of_file
from hrnet_graph.compiler.random_weights import read_random
from hrnet_graph.compiler.weights.dialects import Dialect, counterpart
from hrnet_graph.compiler.weights.held import expect_held, kinds_of
from hrnet_graph.compiler.weights.matching import COUNTER
from hrnet_graph.compiler.weights.norms import BATCH, kind_in, without_statistics
from hrnet_graph.errors import FileError, quoted
from hrnet_graph.files import check_suffix, check_writable
from hrnet_graph.ir.graph import Graph
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
    try:
        state, kinds = _renamed(weights, source, target, _own(said, path))
    except FileError as error:
        raise FileError(f"{quoted(str(path), 200)}: {error.message}", error.hint) from None
    named = {"dialect": target.name}
    random, about = read_random(said.get("weights")), dict[str, str]()
    if random is not None:
        renamed = map(source.to_published, random.keys)
        keys = (target.from_published(key, kinds.get(key, BATCH)) for key in renamed)
        about = {"weights": str(replace(random, keys=tuple(keys)))}
    if suffix in PADDLE:
        write_paddle(state, output, about)
    elif suffix in SAFE:
        files.write_safetensors(state, output, {**named, **about})
    else:
        files.write_pickle({"meta": named, **about, "state_dict": state}, output)
    return source


def _check_whole(weights: Mapping[str, Tensor], path: str | Path) -> None:
    """Raises `FileError` for a weight that is a small one, repeated."""
    for key, value in weights.items():
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            problem = f"{quoted(key, 200)} repeats its values, as no weight does"
            raise FileError(f"{quoted(str(path), 200)}: {problem}")


def _renamed(
    weights: Mapping[str, Tensor], source: Dialect, target: Dialect, own: Graph | None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Weights of one dialect as another's, and what norms are called there by published keys.

    own: the network, where it is known. Raises `FileError` if the other cannot hold it.
    """
    published = published_weights(weights, source)
    shapes = {key: tuple(value.shape) for key, value in published.items()}
    names = (own, _names(own, source)) if own else None
    theirs, absent = expect_held(shapes, target, names)
    check_constants(published, theirs)
    for bias in absent:
        published[bias] = torch.zeros(len(published[f"{bias.removesuffix('bias')}weight"]))
    published |= positions_as_read(published, source, target, own)
    kinds = _kinds(weights, source, target, own)
    state = _in_dialect(_named(published, target), target)
    return _versioned(state, target, kinds), kinds


def _own(said: Mapping[str, object], path: str | Path) -> Graph | None:
    """The network of a file that says its spec."""
    return graph_of_file(said, path, "") if "spec" in said else None


def _names(graph: Graph, source: Dialect) -> dict[str, str]:
    """A network's own keys -> the published ones."""
    return {key: source.to_published(key) for key in graph.state()}


def _kinds(
    weights: Mapping[str, Tensor], source: Dialect, target: Dialect, own: Graph | None
) -> dict[str, str]:
    """Published key -> what OpenMMLab calls a norm of that kind, where norms are of others.

    Raises `FileError` if nothing says which they are.
    """
    if own is not None:
        return {source.to_published(key): kind for key, kind in kinds_of(own).items()}
    published = map(source.to_published, weights)
    said = {source.to_published(key): kind_in(key) for key in weights if source.by_kind}
    plain = without_statistics(published) if target.by_kind else []
    nameless = [key for key in plain if said.get(key, BATCH) == BATCH]
    if nameless:
        what = f"{quoted(nameless[0], 80)} is a norm's without statistics, and of which kind"
        hint = "`hrnet-graph build SPEC --weights FILE -o net.pt` writes a file that says its spec"
        raise FileError(f"{what} no key says, by which {target.name} names it", hint)
    return said


def _versioned(
    state: dict[str, Tensor], dialect: Dialect, kinds: Mapping[str, str]
) -> dict[str, Tensor]:
    """Weights under a dialect's names, with the version of parts that it has several of."""
    named = {dialect.from_published(k, kinds.get(k, BATCH)): v for k, v in state.items()}
    if dialect.grouped is None or not dialect.grouped.versions:
        return named
    stated = OrderedDict(named)
    versions = {part: {"version": n} for part, n in dialect.grouped.versions.items()}
    stated._metadata = versions  # type: ignore[attr-defined]  # where torch keeps them
    return stated


def _named(published: Mapping[str, Tensor], dialect: Dialect) -> dict[str, Tensor]:
    """Published weights that a dialect has names for; some dialects count no batches.

    Raises `FileError` if others are among them.
    """
    kept = {k: v for k, v in published.items() if not (k.endswith(COUNTER) and dialect.lacks(k))}
    if nameless := next(filter(dialect.lacks, kept), None):
        raise FileError(f"the dialect {dialect.name} has no name for {quoted(nameless, 80)}")
    return kept


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
