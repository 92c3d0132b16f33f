"""What all high-resolution networks have in common: a small library, of which source is made.

It runs as it stands, for batch norm and ReLU. It is never imported here: `specialise` reads its
text and puts in what is known of the network at hand.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

BILINEAR = False
"""Whether fuse units enlarge by bilinear interpolation; they repeat pixels otherwise."""


def resize(x: Tensor, like: Tensor, align_corners: bool = False) -> Tensor:
    """Bilinear interpolation of a map to the size of another.

    x: (N, C, H, W), like: (N, D, H', W') -> (N, C, H', W')
    """
    size = like.shape[2:]
    return F.interpolate(x, size=size, mode="bilinear", align_corners=align_corners)


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
