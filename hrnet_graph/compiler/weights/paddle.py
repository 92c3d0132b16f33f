"""PaddleClas's names for the classifiers' weights: one table, made of how its code counts layers.

Source: PaddleClas d178931, ppcls/arch/backbone/legendary_models/hrnet.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

MODULES = {2: 1, 3: 4, 4: 3}
"""Stage -> how many modules it has; it has as many branches as its number."""

BLOCKS = 4
"""Blocks in a row, in every branch and in the first layer."""

UNIT = {"weight": "weight", "bias": "bias", "_mean": "running_mean", "_variance": "running_var"}
"""What a norm's entries are called there -> published."""

LINEAR = ("weight", "bias")

TRANSPOSED = ("classifier.weight", ".se.fc1.weight", ".se.fc2.weight")
"""How the published keys end of what is a linear layer there, its matrix turned round."""

BIASES = (
    *((f"downsamp_modules.{i}.0.bias", f"downsamp_modules.{i}.1.") for i in range(3)),
    ("final_layer.0.bias", "final_layer.1."),
)
"""The published biases that the networks there do without, and the norms behind them."""


@cache
def published_names() -> Mapping[str, str]:
    """Every key that a classifier there can have -> the published one."""
    names: dict[str, str] = {}
    for theirs, conv, norm in _units():
        names[f"{theirs}.conv.weight"] = f"{conv}.weight"
        names |= {f"{theirs}.bn.{a}": f"{norm}.{b}" for a, b in UNIT.items()}
    for theirs, published in _linear():
        names |= {f"{theirs}.{end}": f"{published}.{end}" for end in LINEAR}
    return names


@cache
def paddle_names() -> Mapping[str, str]:
    """The same from the published keys."""
    return {published: theirs for theirs, published in published_names().items()}


def _units() -> Iterator[tuple[str, str, str]]:
    """Every convolution with its norm: its name there, and those of both."""
    for i in (1, 2):
        yield f"conv_layer1_{i}", f"conv{i}", f"bn{i}"
    for theirs, published, convs in _blocks():
        for i in range(1, convs + 1):
            yield f"{theirs}.conv{i}", f"{published}.conv{i}", f"{published}.bn{i}"
        yield f"{theirs}.conv_down", f"{published}.downsample.0", f"{published}.downsample.1"
    runs = {"conv_tr1_1": "transition1.0", "conv_tr1_2": "transition1.1.0"}
    runs |= {f"conv_tr{i}": f"transition{i}.{i}.0" for i in (2, 3)}
    runs |= {f"cls_head_conv_list.{i}": f"downsamp_modules.{i}" for i in range(3)}
    runs |= {"conv_last": "final_layer", **_fuses()}
    for theirs, published in runs.items():
        yield theirs, f"{published}.0", f"{published}.1"


def _blocks() -> Iterator[tuple[str, str, int]]:
    """Every block: its name there, the published one, and how many convolutions it has."""
    for k in range(BLOCKS):
        yield f"layer1.{k}", f"layer1.{k}", 3
    for stage, modules in MODULES.items():
        for m in range(modules):
            for b in range(stage):
                for k in range(BLOCKS):
                    theirs = f"st{stage}.stage_func_list.{m}.basic_block_list.{b}.{k}"
                    yield theirs, f"stage{stage}.{m}.branches.{b}.{k}", 2
    for i in range(4):
        yield f"last_cls.func_list.{i}", f"incre_modules.{i}.0", 3


def _fuses() -> dict[str, str]:
    """Every unit of a fuse, counted over targets, sources and steps."""
    found = {}
    for stage, modules in MODULES.items():
        pairs = ((i, j) for i in range(stage) for j in range(stage) if i != j)
        steps = [
            f"{i}.{j}" + (f".{k}" if j < i else "") for i, j in pairs for k in range(max(1, i - j))
        ]
        for m in range(modules):
            theirs, published = f"st{stage}.stage_func_list.{m}", f"stage{stage}.{m}.fuse_layers"
            for r, step in enumerate(steps):
                found[f"{theirs}.fuse_func.residual_func_list.{r}"] = f"{published}.{step}"
    return found


def _linear() -> Iterator[tuple[str, str]]:
    """Every linear layer; published, those that weigh channels are 1x1 convolutions."""
    yield "fc", "classifier"
    for theirs, published, _ in _blocks():
        yield f"{theirs}.se.fc_squeeze", f"{published}.se.fc1"
        yield f"{theirs}.se.fc_excitation", f"{published}.se.fc2"
