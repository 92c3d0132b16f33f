"""What all high-resolution networks have in common: a small library, of which source is made.

It runs as it stands, for batch norm and ReLU. It is never imported here: `specialise` reads its
text and puts in what is known of the network at hand.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hrnet_graph.compiler.torch.layers import WeightedSum

BILINEAR = False
"""Whether fuse units enlarge by bilinear interpolation; they repeat pixels otherwise."""


def resize(x: Tensor, like: Tensor, align_corners: bool = False) -> Tensor:
    """Bilinear interpolation of a map to the size of another.

    x: (N, C, H, W), like: (N, D, H', W') -> (N, C, H', W')
    """
    size = like.shape[2:]
    return F.interpolate(x, size=size, mode="bilinear", align_corners=align_corners)


class Part(nn.Module):
    """Layers and tensors by name, each used from outside.

    It is never called itself.
    """

    def __init__(self, parts: dict[str, nn.Module | Tensor]) -> None:
        super().__init__()
        for name, part in parts.items():
            if isinstance(part, Tensor):
                self.register_buffer(name, part)
            else:
                self.add_module(name, part)


def conv_norm(in_channels: int, channels: int, kernel_size: int, stride: int) -> list[nn.Module]:
    """A convolution without bias, zero-padded, and its normalisation.

    x: (N, in_channels, H, W) -> (N, channels, H / stride, W / stride)
    """
    conv = nn.Conv2d(in_channels, channels, kernel_size, stride, kernel_size // 2, bias=False)
    return [conv, nn.BatchNorm2d(channels)]


class Transition(nn.ModuleList):
    """Keeps a branch, changes its width, or starts a new one from the coarsest.

    maps[i]: (N, before[i], H / 2^i, W / 2^i)
        -> result[i]: (N, after[i], H / 2^i, W / 2^i)
    """

    def __init__(self, before: list[int], after: list[int]) -> None:
        super().__init__()
        for i, width in enumerate(after):
            if i >= len(before):
                self.append(self.start(before[-1], width, halvings=i + 1 - len(before)))
            elif before[i] != width:
                conv = conv_norm(before[i], width, 3, 1)
                self.append(nn.Sequential(*conv, nn.ReLU(inplace=True)))
            else:
                self.append(nn.Identity())

    @staticmethod
    def start(coarsest: int, width: int, halvings: int) -> nn.Sequential:
        """A new branch below the coarsest; the last of its steps sets the width."""
        widths = [coarsest] * (halvings - 1) + [width]
        return nn.Sequential(
            *[
                nn.Sequential(*conv_norm(coarsest, width, 3, 2), nn.ReLU(inplace=True))
                for width in widths
            ]
        )

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        return [layer(maps[min(i, len(maps) - 1)]) for i, layer in enumerate(self)]


class Fuse(nn.ModuleList):
    """The sum of all branches, each brought to the width and the size of one of them.

    maps[i]: (N, channels[i], H / 2^i, W / 2^i) -> the shape of maps[branch]
    """

    def __init__(self, channels: list[int], branch: int) -> None:
        super().__init__()
        self.branch = branch
        for source, inputs in enumerate(channels):
            self.append(self.path(source, inputs, channels[branch]))

    def path(self, source: int, inputs: int, width: int) -> nn.Module:
        """What brings another branch here."""
        if source == self.branch:
            return nn.Identity()
        if source > self.branch:  # a coarser branch is narrowed, then enlarged
            if BILINEAR:
                return nn.Sequential(*conv_norm(inputs, width, 1, 1))
            factor = 2 ** (source - self.branch)
            up = nn.Upsample(scale_factor=factor, mode="nearest")
            return nn.Sequential(*conv_norm(inputs, width, 1, 1), up)
        # a finer branch is halved step by step; the last step sets the width
        steps = [
            nn.Sequential(*conv_norm(inputs, inputs, 3, 2), nn.ReLU(inplace=True))
            for _ in range(self.branch - source - 1)
        ]
        return nn.Sequential(*steps, nn.Sequential(*conv_norm(inputs, width, 3, 2)))

    def forward(self, maps: list[Tensor]) -> Tensor:
        terms = [path(x) for path, x in zip(self, maps)]
        if BILINEAR:
            same = terms[: self.branch + 1]
            coarser = [resize(x, maps[self.branch]) for x in terms[self.branch + 1 :]]
            return F.relu(sum([*same[1:], *coarser], same[0]))
        return F.relu(sum(terms[1:], terms[0]))


def up_nearest(inputs: int, width: int, steps: int) -> list[nn.Module]:
    """What narrows a coarser branch, and enlarges it.

    x: (N, inputs, H, W) -> (N, width, 2^steps * H, 2^steps * W)
    """
    return [*conv_norm(inputs, width, 1, 1), nn.Upsample(scale_factor=2**steps, mode="nearest")]


def up_bilinear(inputs: int, width: int, steps: int) -> list[nn.Module]:
    """What narrows a coarser branch before it is resized.

    x: (N, inputs, H, W) -> (N, width, H, W)
    """
    return conv_norm(inputs, width, 1, 1)


def up_transposed(inputs: int, width: int, steps: int) -> list[nn.Module]:
    """What doubles the size of a coarser branch step by step; the first narrows it.

    x: (N, inputs, H, W) -> (N, width, 2^steps * H, 2^steps * W)
    """
    made: list[nn.Module] = []
    for step in range(steps):
        conv = nn.ConvTranspose2d(width if step else inputs, width, 4, 2, 1, bias=False)
        last = step == steps - 1
        act = [] if last else [nn.ReLU(inplace=True)]
        made.append(nn.Sequential(conv, nn.BatchNorm2d(width), *act))
    return made


def up_pixel_shuffle(inputs: int, width: int, steps: int) -> list[nn.Module]:
    """What doubles a coarser branch step by step, by pixels made of channels.

    x: (N, inputs, H, W) -> (N, width, 2^steps * H, 2^steps * W)
    """
    made: list[nn.Module] = []
    for step in range(steps):
        conv = conv_norm(width if step else inputs, 4 * width, 1, 1)
        last = step == steps - 1
        act = [] if last else [nn.ReLU(inplace=True)]
        made.append(nn.Sequential(*conv, nn.PixelShuffle(2), *act))
    return made


def down_strided(inputs: int, width: int, steps: int) -> list[nn.Module]:
    """What halves a finer branch step by step; the last sets the width.

    x: (N, inputs, H, W) -> (N, width, H / 2^steps, W / 2^steps)
    """
    before = [
        nn.Sequential(*conv_norm(inputs, inputs, 3, 2), nn.ReLU(inplace=True))
        for _ in range(steps - 1)
    ]
    return [*before, nn.Sequential(*conv_norm(inputs, width, 3, 2))]


def down_depthwise(inputs: int, width: int, steps: int) -> list[nn.Module]:
    """What halves a finer branch step by step, each channel alone, then all of them.

    x: (N, inputs, H, W) -> (N, width, H / 2^steps, W / 2^steps)
    """
    made: list[nn.Module] = []
    for step in range(steps):
        last = step == steps - 1
        conv = nn.Conv2d(inputs, inputs, 3, 2, 1, groups=inputs, bias=False)
        mixed = conv_norm(inputs, width if last else inputs, 1, 1)
        act = [] if last else [nn.ReLU(inplace=True)]
        made.append(nn.Sequential(conv, nn.BatchNorm2d(inputs), *mixed, *act))
    return made


def down_average_pool(inputs: int, width: int, steps: int) -> list[nn.Module]:
    """What takes the means of a finer branch, and widens it.

    x: (N, inputs, H, W) -> (N, width, H / 2^steps, W / 2^steps)
    """
    return [nn.AvgPool2d(2**steps, ceil_mode=True), *conv_norm(inputs, width, 1, 1)]


class FuseUnit(nn.ModuleList):
    """The sum of the branches that feed one of them, at its width and size.

    maps[i]: (N, channels[i], H / 2^i, W / 2^i) -> the shape of maps[branch]
    """

    def __init__(self, channels: list[int], branch: int) -> None:
        super().__init__()
        self.branch = branch
        self.sources = [i for i in range(len(channels)) if -1 <= i - branch <= 1]
        for source, inputs in enumerate(channels):
            self.append(self.path(source, inputs, channels[branch]))

    def path(self, source: int, inputs: int, width: int) -> nn.Module:
        """What brings another branch here."""
        if source == self.branch or source not in self.sources:
            return nn.Identity()
        if source > self.branch:
            return nn.Sequential(*up_nearest(inputs, width, source - self.branch))
        return nn.Sequential(*down_strided(inputs, width, self.branch - source))

    def forward(self, maps: list[Tensor]) -> Tensor:
        terms = [self[i](maps[i]) for i in self.sources]
        for at, source in enumerate(self.sources):
            if source > self.branch:
                terms[at] = resize(terms[at], maps[self.branch])
        return self.join(terms) if len(terms) > 1 else terms[0]

    def join(self, terms: list[Tensor]) -> Tensor:
        """What becomes of all that has arrived."""
        return F.relu(sum(terms[1:], terms[0]))


class WeightedFuse(FuseUnit):
    """The same with a learnt weight for each term.

    maps[i]: (N, channels[i], H / 2^i, W / 2^i) -> the shape of maps[branch]
    """

    def __init__(self, channels: list[int], branch: int) -> None:
        super().__init__(channels, branch)
        if len(self.sources) > 1:
            self.sum = WeightedSum(len(self.sources))

    def join(self, terms: list[Tensor]) -> Tensor:
        return F.relu(self.sum(*terms))


class GatedFuse(FuseUnit):
    """The same with a gate for each term, the sigmoid of a convolution of it.

    maps[i]: (N, channels[i], H / 2^i, W / 2^i) -> the shape of maps[branch]
    """

    def __init__(self, channels: list[int], branch: int) -> None:
        super().__init__(channels, branch)
        if len(self.sources) > 1:
            self.gates = nn.ModuleList(
                nn.Conv2d(channels[branch], channels[branch], 1) for _ in self.sources
            )

    def join(self, terms: list[Tensor]) -> Tensor:
        gated = [x * torch.sigmoid(gate(x)) for gate, x in zip(self.gates, terms)]
        return F.relu(sum(gated[1:], gated[0]))


class ConcatFuse(FuseUnit):
    """The same with concatenation for the sum, and a convolution of all channels.

    maps[i]: (N, channels[i], H / 2^i, W / 2^i) -> the shape of maps[branch]
    """

    def __init__(self, channels: list[int], branch: int) -> None:
        super().__init__(channels, branch)
        if len(self.sources) > 1:
            self.mix = nn.Sequential(
                *conv_norm(len(self.sources) * channels[branch], channels[branch], 1, 1),
                nn.ReLU(inplace=True),
            )

    def join(self, terms: list[Tensor]) -> Tensor:
        own = self.sources.index(self.branch)
        active = [x if i == own else F.relu(x) for i, x in enumerate(terms)]
        mixed: Tensor = self.mix(torch.cat(active, dim=1))
        return mixed


class HighResolutionModule(nn.Module):
    """Branches side by side, and a fuse unit by which each receives all others.

    maps[i]: (N, channels[i], H / 2^i, W / 2^i) -> the same, for i < outputs
    """

    def __init__(
        self,
        channels: list[int],
        blocks: list[int],
        block: Callable[[int], nn.Module],
        outputs: int | None = None,
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*[block(width) for _ in range(count)])
            for width, count in zip(channels, blocks)
        )
        self.fuse_layers = nn.ModuleList(
            Fuse(channels, i) for i in range(outputs or len(channels)) if len(channels) > 1
        )

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        maps = [branch(x) for branch, x in zip(self.branches, maps)]
        return [fuse(maps) for fuse in self.fuse_layers] or maps
