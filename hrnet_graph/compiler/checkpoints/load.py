"""Weights from published and other checkpoints, fitted to a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from hrnet_graph.checks import check_kind
from hrnet_graph.compiler.checkpoints.files import dialect_of, read_content
from hrnet_graph.compiler.checkpoints.positions import check_positions
from hrnet_graph.compiler.checkpoints.regroup import taken_apart
from hrnet_graph.compiler.checkpoints.unwrap import DETECTOR, Unwrapped, unwrap
from hrnet_graph.compiler.random_weights import RandomWeights, read_random
from hrnet_graph.compiler.torch.drawn import random_among, remembered
from hrnet_graph.compiler.torch.inference import refuse_optimized
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.compiler.weights.dialects import Dialect, nearest, recognise
from hrnet_graph.compiler.weights.matching import LoadReport, idle_counters, match, published_keys
from hrnet_graph.errors import FileError, quoted
from hrnet_graph.ir.graph import Graph

LINEAR = "classifier.weight"
"""The published key of a matrix; others that a dialect holds as such are 1x1 convolutions."""

INPLACE_EPS = 1e-5
"""What InPlaceABN adds to the absolute value of its weight. Source: family notes, torch 0.4.1."""


def load_weights(
    model: Network,
    path: str | Path,
    *,
    partial: bool = False,
    dialect: str | None = None,
    prefix: str | None = None,
) -> LoadReport:
    """Fills a network, in place, from a checkpoint of any dialect, and says what became of it all.

    The dialect is recognised by the keys unless stated; InPlaceABN's (`inplace-abn`) has to be
    stated, since its keys are the official ones. With `prefix`, such as `net.encoder.`, the weights
    whose keys begin with it are meant. Every key and shape must agree; with `partial`
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
    report, values = fit(model.graph, path, partial=partial, dialect=dialect, prefix=prefix)
    model.load_state_dict(values, strict=False)
    state = model.state_dict()
    model.drawn = model.drawn.but_for(report.loaded)
    if report.random is not None:
        given = {key: state[key] for key in report.random.among(report.loaded)}
        model.drawn = model.drawn.and_also(remembered(given, report.random.seed))
    return replace(report, random=random_among(state, model.drawn))


def fit(
    graph: Graph,
    path: str | Path,
    *,
    partial: bool = False,
    dialect: str | None = None,
    prefix: str | None = None,
) -> tuple[LoadReport, dict[str, Tensor]]:
    """What becomes of a file's weights in a graph's network, and those that it takes, by its keys.

    Of a whole detector, the pyramid's are meant. All is as in `load_weights`.
    """
    said, content = read_content(path)
    found = unwrap(content, path, prefix)
    backbone = graph.backbone_prefix
    wanted = {key: entry.shape for key, entry in graph.state().items()}
    source = _dialect(found, wanted, backbone, path, dialect)
    if dialect is None and found.weights.keys() == wanted.keys():  # whatever else they look like
        held, names = found.weights, {key: key for key in found.weights}
    else:
        held, target = unstacked(found.weights, source), _target(wanted, backbone)
        published = published_keys(held, source, target.head, partial)
        names = {key: target.from_published(name) for key, name in published.items()}
    idle = idle_counters(names, wanted)
    names = {key: name for key, name in names.items() if key not in dict(idle)}
    given = {key: tuple(value.shape) for key, value in held.items()}
    report = LoadReport(
        file=str(path),
        dialect=source.name,
        head=source.head or "network",
        wrapping=found.wrapping,
        ignored=(*found.ignored, *idle),
        random=_random(said, names),
        **match(wanted, given, names, tuple(bias for bias, _ in source.absent)),
    )
    if not partial and not report.complete:
        raise misfit(report, graph.name)
    weights = {name: held[key] for key, name in names.items()}
    values = {key: _effective(key, weights[key], source) for key in report.loaded}
    values |= {key: torch.zeros(wanted[key]) for key, _ in report.filled}
    check_constants(values, graph, f"{quoted(report.file, 200)}: ")
    check_positions(values, graph, source, report.file)
    return report, values


def _dialect(
    found: Unwrapped,
    wanted: Mapping[str, object],
    backbone: str,
    path: str | Path,
    dialect: str | None,
) -> Dialect:
    """The dialect of what was found: the one stated, or that of its keys."""
    if dialect is not None or found.weights.keys() != wanted.keys():
        return _told(found.weights, wanted, backbone, path, dialect)
    try:
        return recognise(found.weights)
    except FileError:  # our own keys, of a network that nobody published
        return Dialect("official", "", backbone)


def _told(
    weights: Mapping[str, Tensor],
    wanted: Mapping[str, object],
    backbone: str,
    path: str | Path,
    dialect: str | None,
) -> Dialect:
    """The dialect that a few keys tell; where one of them lacks, that of most of a network's."""
    try:
        told = dialect_of(path, weights, dialect)
    except FileError:
        if (near := _nearest(weights, wanted, backbone, dialect, None)) is None:
            raise
        return near
    if told.head != "features":
        return told
    return _nearest(weights, wanted, backbone, dialect, told) or told


def _nearest(
    weights: Mapping[str, Tensor],
    wanted: Mapping[str, object],
    backbone: str,
    dialect: str | None,
    told: Dialect | None,
) -> Dialect | None:
    """The dialect in which most of a network's keys are there, if it can be told."""
    try:
        target = _target(wanted, backbone)
    except FileError:  # a network that nobody published
        return told
    published = {target.to_published(key) for key in wanted}
    return nearest(weights, published, target, dialect, told)


def _target(wanted: Mapping[str, object], backbone: str) -> Dialect:
    """How a network's own keys are named, with what its backbone has in front."""
    try:
        named = recognise(wanted)
    except FileError:
        named = None
    if named is None or named.head == "features":
        named = recognise(key.removeprefix(backbone) for key in wanted)
        return Dialect("official", named.head, backbone, block=named.block)
    return named


def unstacked(weights: Mapping[str, Tensor], dialect: Dialect) -> dict[str, Tensor]:
    """Weights of a dialect, those that it holds as one taken apart, matrices as published."""
    apart: dict[str, Tensor] = {}
    for key, value in taken_apart(weights, dialect).items():
        parts = dialect.parts(key)
        if dialect.is_transposed(published := dialect.to_published(key)) and value.dim() == 2:
            value = value.T if published.endswith(LINEAR) else value.T[..., None, None]
        apart |= zip(parts, value.chunk(len(parts)) if len(parts) > 1 else [value], strict=False)
    return apart


def check_constants(values: Mapping[str, Tensor], graph: Graph, at: str = "") -> None:
    """Raises `FileError` if a file has other numbers where a network's own never change.

    values: the network's keys -> weights of the file; at: what the message begins with
    """
    for node in graph.nodes:
        constants = node.op.constants()
        for entry in node.op.state(graph.operands(node)) if constants else ():
            given = values.get(key := node.key_of(entry)) if entry.is_constant else None
            wanted = torch.tensor(constants.get(entry.name, ()), dtype=torch.float64)
            if given is not None and not torch.equal(given.double(), wanted):
                raise FileError(f"{at}{key} is not that of {node.op.label}")


def misfit(report: LoadReport, name: str) -> FileError:
    """What is said of weights that do not fit the network of that name."""
    hint = "to take what fits, load it partially (--partial, or partial=True)"
    return FileError(f"{quoted(report.file, 200)} does not fit {name}\n{report}", hint)


def _random(said: Mapping[str, object], names: Mapping[str, str]) -> RandomWeights | None:
    """Which weights a file says to be random, by our names for them."""
    random = read_random(said.get("weights"))
    if random is None or not random.keys:
        return random
    bare = (key.removeprefix(DETECTOR) for key in random.keys)
    keys = tuple(names[key] for key in bare if key in names)
    return replace(random, keys=keys) if keys else None


def published_weights(weights: Mapping[str, Tensor], dialect: Dialect) -> dict[str, Tensor]:
    """Weights of a dialect under published names, the backbone bare, all biases there."""
    held = unstacked(weights, dialect)
    published = {dialect.to_published(key): value for key, value in held.items()}
    published = {key: _effective(key, value, dialect) for key, value in published.items()}
    for bias, norm in dialect.folded:
        if f"{norm}running_mean" in published and bias not in published:
            published[bias] = torch.zeros_like(published[f"{norm}running_mean"])
    return published


def _effective(key: str, value: Tensor, dialect: Dialect) -> Tensor:
    """The scale that a norm really applies."""
    if dialect.inplace_norm and is_norm_weight(key, value):
        return value.abs() + INPLACE_EPS
    return value


def is_norm_weight(key: str, value: Tensor) -> bool:
    """Whether an entry is the scale of a normalisation."""
    return key.endswith(".weight") and value.dim() == 1
