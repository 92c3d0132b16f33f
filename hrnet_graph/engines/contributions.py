"""How far int8 at one layer alone would move a network's results, for all layers at once."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from itertools import islice
from typing import cast

import torch
from torch import Tensor, nn

from hrnet_graph.compiler.model import Model
from hrnet_graph.compiler.torch.build import network_of
from hrnet_graph.engines.engine import Array

LAYERS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
"""The layers of which it can be told."""

IMAGES = 2
"""On how many images it is estimated."""

PROBES = 4
"""How many random sums of the results are followed back to the layers, for each image."""


def contributions(model: Model, images: Iterable[Array]) -> dict[str, float]:
    """Convolution or linear layer -> the energy of the error that its int8 adds to the results.

    A layer's own error is followed to the results by their gradient: the expectation of the square
    of its product with the gradient of a sum of results with random signs. Results count relative
    to their largest value. It is for comparing layers: the ranges are those of the very image.
    """
    with torch.inference_mode(False), torch.enable_grad():
        network = network_of(model).eval().requires_grad_(False)
        layers = {k: each for k, each in network.named_modules() if isinstance(each, LAYERS)}
        seen: list[tuple[str, Tensor, Tensor]] = []
        for key, layer in layers.items():
            _record(seen, key, layer)
        energy = dict.fromkeys(layers, 0.0)
        draws = torch.Generator().manual_seed(0)
        for batch in islice(images, IMAGES):
            seen.clear()
            output = network(torch.tensor(batch[:1]).requires_grad_())
            named = output.values() if isinstance(output, dict) else output
            maps = [output] if isinstance(output, Tensor) else [*named]
            for _ in range(PROBES):
                for (key, _, error), slope in zip(seen, _slopes(maps, seen, draws), strict=True):
                    energy[key] += float((slope * error).sum()) ** 2
        return energy


def _slopes(
    maps: list[Tensor], seen: list[tuple[str, Tensor, Tensor]], draws: torch.Generator
) -> tuple[Tensor, ...]:
    """The gradient of a sum of all results with random signs, at what each layer gives."""
    signs = [
        (2.0 * torch.randint(0, 2, each.shape, generator=draws) - 1)
        / each.detach().abs().max().clamp(min=torch.finfo(each.dtype).tiny)
        for each in maps
    ]
    results = [result for _, result, _ in seen]
    return torch.autograd.grad(
        maps, results, signs, retain_graph=True, allow_unused=True, materialize_grads=True
    )


def _record(seen: list[tuple[str, Tensor, Tensor]], key: str, layer: nn.Module) -> None:
    """Has a layer note what it gives, and how far from that it would be in int8."""
    twin = deepcopy(layer)
    weight = cast(Tensor, twin.weight)
    largest = weight.abs().flatten(1).amax(1).view(-1, *[1] * (weight.ndim - 1))
    weight.data = _rounded(weight, -largest, largest)

    def note(_: nn.Module, operands: tuple[Tensor, ...], result: Tensor) -> Tensor:
        with torch.no_grad():
            x = operands[0]
            low, high = x.min().clamp(max=0), x.max().clamp(min=0)
            seen.append((key, result, twin(_rounded(x, low, high)) - result))
        return result.clone()  # an activation may write over it

    layer.register_forward_hook(note)


def _rounded(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The nearest of 255 numbers from the lowest to the highest, zero among them."""
    step = ((high - low) / 254).clamp(min=torch.finfo(x.dtype).tiny)
    return (x / step).round() * step
