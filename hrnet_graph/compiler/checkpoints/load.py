"""Weights from published and other checkpoints: fitted to a network, or written as another's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from hrnet_graph.checks import check_kind
from hrnet_graph.compiler.checkpoints.dialects import BACKBONE, Dialect, counterpart, recognise
from hrnet_graph.compiler.checkpoints.files import (
    SAFE,
    dialect_of,
    read_content,
    unwrap,
    write_pickle,
    write_safetensors,
)
from hrnet_graph.compiler.checkpoints.matching import LoadReport, match, published_keys
from hrnet_graph.compiler.torch.inference import refuse_optimized
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.errors import FileError, quoted
from hrnet_graph.files import check_suffix, check_writable
from hrnet_graph.ir.graph import Graph

INPLACE_EPS = 1e-5
"""What InPlaceABN adds to the absolute value of its weight. Source: family notes, torch 0.4.1."""


def load_weights(
    model: Network, path: str | Path, *, partial: bool = False, dialect: str | None = None
) -> LoadReport:
    """Fills a network, in place, from a checkpoint of any dialect, and says what became of it all.

    The dialect is recognised by the keys unless stated; InPlaceABN's (`inplace-abn`) has to be
    stated, since its keys are the official ones. Every key and shape must agree; with `partial`
    what fits is taken and the report says what was not.

    Raises `FileError`, naming keys, if the file is damaged, foreign or does not fit, and
    `HRNetGraphError` for a network that is optimized for inference.

    Example:
        >>> model = hg.build_module("hrnet_w18_small_v1_cls")
        >>> hg.save(model, "net.safetensors")
        >>> hg.load_weights(model, "net.safetensors").complete
        True
    """
    check_kind("load_weights", model, Network, "hg.build_module makes one of a spec")
    refuse_optimized(model)
    content = read_content(path)[1]
    report, values = fit(model.graph, content, path, partial=partial, dialect=dialect)
    model.load_state_dict(values, strict=False)
    return report


def fit(
    graph: Graph,
    content: object,
    path: str | Path,
    *,
    partial: bool = False,
    dialect: str | None = None,
) -> tuple[LoadReport, dict[str, Tensor]]:
    """What becomes of a file's weights in a graph's network, and those that it takes, by its keys.

    `content` is the file's, `path` for messages alone; the rest is as in `load_weights`.
    """
    found = unwrap(content, path)
    backbone = graph.backbone_prefix
    wanted = {key: entry.shape for key, entry in graph.state().items()}
    if dialect is None and found.weights.keys() == wanted.keys():
        try:
            source = recognise(found.weights)
        except FileError:  # our own keys, of a network that nobody published
            source = Dialect("official", "", backbone)
        head = source.head
    else:
        source = dialect_of(path, found.weights, dialect)
        head = recognise(key.removeprefix(backbone) for key in wanted).head
    names = {
        key: backbone + name if name.startswith(BACKBONE) else name
        for key, name in published_keys(found.weights, source, head, partial).items()
    }
    given = {key: tuple(value.shape) for key, value in found.weights.items()}
    report = LoadReport(
        file=str(path),
        dialect=source.name,
        head=source.head or "network",
        wrapping=found.wrapping,
        ignored=found.ignored,
        **match(wanted, given, names, tuple(bias for bias, _ in source.folded)),
    )
    if not partial and not report.complete:
        hint = "to take what fits, load it partially (--partial, or partial=True)"
        raise FileError(f"{quoted(str(path), 200)} does not fit {graph.name}\n{report}", hint)
    weights = {name: found.weights[key] for key, name in names.items()}
    values = {key: _effective(key, weights[key], source) for key in report.loaded}
    values |= {key: torch.zeros(wanted[key]) for key, _ in report.filled}
    return report, values


def published_weights(weights: Mapping[str, Tensor], dialect: Dialect) -> dict[str, Tensor]:
    """Weights of a dialect under published names, the backbone bare, all biases there."""
    published = {dialect.to_published(key): value for key, value in weights.items()}
    published = {key: _effective(key, value, dialect) for key, value in published.items()}
    for bias, norm in dialect.folded:
        if f"{norm}running_mean" in published and bias not in published:
            published[bias] = torch.zeros_like(published[f"{norm}running_mean"])
    return published


def _effective(key: str, value: Tensor, dialect: Dialect) -> Tensor:
    """The scale that a norm really applies."""
    if dialect.inplace_norm and _is_norm_weight(key, value):
        return value.abs() + INPLACE_EPS
    return value


def _is_norm_weight(key: str, value: Tensor) -> bool:
    """Whether an entry is the scale of a normalisation."""
    return key.endswith(".weight") and value.dim() == 1


def convert(
    path: str | Path, to: str, output: str | Path, *, dialect: str | None = None
) -> Dialect:
    """Writes a checkpoint in another dialect, `.pth`, `.pt` or `.safetensors` by suffix.

    Returns the dialect that was read. Raises `FileError` if the file cannot be read or the dialect
    is not one for this kind of network.
    """
    suffix = check_suffix(output, (".pth", ".pt", *SAFE))
    check_writable(output)
    weights = unwrap(read_content(path)[1], path).weights
    source = dialect_of(path, weights, dialect)
    target = counterpart(source, to)
    published = published_weights(weights, source)
    state = {target.from_published(k): v for k, v in _in_dialect(published, target).items()}
    named = {"dialect": target.name}
    if suffix in SAFE:
        write_safetensors(state, output, named)
    else:
        write_pickle({"meta": named, "state_dict": state}, output)
    return source


def _in_dialect(published: Mapping[str, Tensor], dialect: Dialect) -> dict[str, Tensor]:
    """Published weights with the values that a dialect expects: biases folded, scales undone."""
    weights = dict(published)
    for bias, norm in dialect.folded:
        if bias in weights:
            mean = f"{norm}running_mean"
            weights[mean] = weights[mean] - weights.pop(bias)
    if dialect.inplace_norm:
        for key, value in weights.items():
            if _is_norm_weight(key, value):
                if bool((value < INPLACE_EPS).any()):
                    raise FileError(f"{key} has scales below 1e-5, which InPlaceABN cannot express")
                weights[key] = value - INPLACE_EPS
    return {key: value.contiguous() for key, value in weights.items()}
