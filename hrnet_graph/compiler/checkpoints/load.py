"""Weights from published and other checkpoints, loaded and converted without running their code."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hrnet_graph.compiler.checkpoints.dialects import BACKBONE, Dialect, counterpart, recognise
from hrnet_graph.compiler.checkpoints.matching import (
    LoadReport,
    Unwrapped,
    match,
    published_keys,
    unwrap,
)
from hrnet_graph.compiler.torch.dense import unsupported_kind
from hrnet_graph.compiler.torch.inference import refuse_optimized
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.errors import FileError, error_line, quoted
from hrnet_graph.files import atomic_write, is_file

PICKLED = (".pt", ".pth", ".tar")
SAFE = (".safetensors",)
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
    return fill(model, read_content(path)[1], path, partial=partial, dialect=dialect)


def fill(
    model: Network,
    content: object,
    path: str | Path,
    *,
    partial: bool = False,
    dialect: str | None = None,
) -> LoadReport:
    """What `load_weights` does, with the content of the file; `path` is for messages alone."""
    refuse_optimized(model)
    unwrapped = _unwrapped(content, path)
    own, backbone = model.state_dict(), model.graph.backbone_prefix
    wanted = {key: tuple(value.shape) for key, value in own.items()}
    if dialect is None and unwrapped.weights.keys() == own.keys():
        source = _known_or(Dialect("official", "", backbone), unwrapped.weights)
        head = source.head
    else:
        source = _named(path, unwrapped.weights, dialect)
        head = recognise(key.removeprefix(backbone) for key in own).head
    published = published_keys(unwrapped.weights, source, head, partial)
    names = {
        key: backbone + name if name.startswith(BACKBONE) else name
        for key, name in published.items()
    }
    given = {key: tuple(value.shape) for key, value in unwrapped.weights.items()}
    report = LoadReport(
        file=str(path),
        dialect=source.name,
        head=source.head or "network",
        wrapping=unwrapped.wrapping,
        ignored=unwrapped.ignored,
        **match(wanted, given, names, tuple(bias for bias, _ in source.folded)),
    )
    if not partial and not report.complete:
        hint = "to take what fits, load it partially (--partial, or partial=True)"
        where = quoted(str(path), 200)
        raise FileError(f"{where} does not fit {model.graph.name}\n{report}", hint)
    weights = {name: unwrapped.weights[key] for key, name in names.items()}
    values = {key: _effective(key, weights[key], source) for key in report.loaded}
    values |= {key: torch.zeros_like(own[key]) for key, _ in report.filled}
    model.load_state_dict(values, strict=False)
    return report


def convert(
    path: str | Path, to: str, output: str | Path, *, dialect: str | None = None
) -> Dialect:
    """Writes a checkpoint in another dialect, `.pth`, `.pt` or `.safetensors` by suffix.

    Returns the dialect that was read. Raises `FileError` if the file cannot be read or the dialect
    is not one for this kind of network.
    """
    suffix = check_suffix(output, (".pth", ".pt", *SAFE))
    weights = _unwrapped(read_content(path)[1], path).weights
    source = _named(path, weights, dialect)
    target = counterpart(source, to)
    published = published_weights(weights, source)
    state = {target.from_published(k): v for k, v in _in_dialect(published, target).items()}
    with atomic_write(output) as draft:
        if suffix in SAFE:
            save_file(state, draft, metadata={"dialect": target.name})
        else:
            torch.save({"meta": {"dialect": target.name}, "state_dict": state}, draft)
    return source


def published_weights(weights: Mapping[str, Tensor], dialect: Dialect) -> dict[str, Tensor]:
    """Weights of a dialect under published names, the backbone bare, all biases there."""
    published = {dialect.to_published(key): value for key, value in weights.items()}
    published = {key: _effective(key, value, dialect) for key, value in published.items()}
    for bias, norm in dialect.folded:
        if f"{norm}running_mean" in published and bias not in published:
            published[bias] = torch.zeros_like(published[f"{norm}running_mean"])
    return published


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


def _effective(key: str, value: Tensor, dialect: Dialect) -> Tensor:
    """The scale that a norm really applies."""
    if dialect.inplace_norm and _is_norm_weight(key, value):
        return value.abs() + INPLACE_EPS
    return value


def _is_norm_weight(key: str, value: Tensor) -> bool:
    return key.endswith(".weight") and value.dim() == 1


def _known_or(fallback: Dialect, weights: Mapping[str, Tensor]) -> Dialect:
    """The dialect of our own keys, or the fallback for a network that nobody published."""
    try:
        return recognise(weights)
    except FileError:
        return fallback


def _named(path: str | Path, weights: Mapping[str, Tensor], dialect: str | None) -> Dialect:
    try:
        return recognise(weights, dialect)
    except FileError as error:
        raise FileError(f"{quoted(str(path), 200)}: {error.message}", error.hint) from None


def _unwrapped(content: object, path: str | Path) -> Unwrapped:
    where = quoted(str(path), 200)
    try:
        unwrapped = unwrap(content, lambda value: isinstance(value, Tensor))
    except FileError as error:
        raise FileError(f"{where}: {error.message}", error.hint) from None
    for key, value in unwrapped.weights.items():
        if kind := unsupported_kind(value):
            raise FileError(
                f"{where}: expected plain numbers for {quoted(key, 200)}, got a {kind} tensor",
                "make it one of real numbers in memory before it is saved",
            )
    return unwrapped


def check_suffix(path: str | Path, known: tuple[str, ...]) -> str:
    """The suffix of a file name. Raises `FileError` unless it is one of `known`."""
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        expected = " or ".join(known)
        got = quoted(str(path), 200)
        raise FileError(f"expected a file name that ends in {expected}, got {got}")
    return suffix


def read_content(path: str | Path) -> tuple[Mapping[str, Any], object]:
    """What a weights file says about itself, and what it holds. Raises `FileError`."""
    suffix = check_suffix(path, (*PICKLED, *SAFE))
    where = quoted(str(path), 200)
    if not is_file(path):
        raise FileError(f"no weights file at {where}")
    try:
        if suffix in SAFE:
            with safetensors.safe_open(path, framework="pt") as file:
                return file.metadata() or {}, load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, about its own ways to save
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, safetensors.SafetensorError) as error:
        raise FileError(f"{where} cannot be loaded safely: {_reason(error)}") from None
    except Exception as error:
        raise FileError(f"{where} is damaged or no weights file: {_reason(error)}") from None
    return (content if isinstance(content, dict) else {}), content


def _reason(error: Exception) -> str:
    """What a reader found, without torch's advice to read the file unsafely."""
    found = str(error).partition("WeightsUnpickler error:")[2]
    return error_line(Exception(found) if found else error).partition(". ")[0]
