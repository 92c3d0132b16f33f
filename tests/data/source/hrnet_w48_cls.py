"""hrnet_w48_cls, a high-resolution network (HRNet) in torch.

N x 3x224x224 -> N x 1000
77,469,864 parameters; 17,277,996,032 multiply-accumulates for an image of 224x224.

    model = HRNet()
    model.load_state_dict(torch.load("weights.pth", weights_only=True))

Weights of `hrnet-graph build hrnet_w48_cls -o net.pt`
lie there under "state_dict".
Written by hrnet-graph 0.1.0.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


def init_weights(layer: nn.Module) -> None:
    """Starts convolutions by He's normal distribution (fan-out)."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")


def conv_norm(
    in_channels: int, channels: int, kernel_size: int, stride: int
) -> list[nn.Module]:
    """A convolution without bias, zero-padded, and its normalisation.

    x: (N, in_channels, H, W) -> (N, channels, H / stride, W / stride)
    """
    conv = nn.Conv2d(
        in_channels, channels, kernel_size, stride, kernel_size // 2, bias=False
    )
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
        return F.relu(sum(terms[1:], terms[0]))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut.

    x: (N, channels, H, W) -> (N, channels, H, W)
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + x)


class Bottleneck(nn.Module):
    """A 1x1, a 3x3 and a widening 1x1 convolution and a shortcut.

    x: (N, in_channels, H, W) -> (N, 4 * channels, H, W)
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, 4 * channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * channels)
        self.downsample: nn.Module = nn.Identity()
        if in_channels != 4 * channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, 4 * channels, 1, bias=False),
                nn.BatchNorm2d(4 * channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))


class HighResolutionModule(nn.Module):
    """Branches side by side, and a fuse unit by which each receives all others.

    maps[i]: (N, channels[i], H / 2^i, W / 2^i) -> the same
    """

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*[BasicBlock(width) for _ in range(4)]) for width in channels
        )
        self.fuse_layers = nn.ModuleList(
            Fuse(channels, i) for i in range(len(channels))
        )

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        maps = [branch(x) for branch, x in zip(self.branches, maps)]
        return [fuse(maps) for fuse in self.fuse_layers]


class ClassificationHead(nn.Module):
    """Widens every branch, sums them from fine to coarse, pools, and classifies.

    maps: (N, 48, H, W), (N, 96, H / 2, W / 2), (N, 192, H / 4, W / 4),
        (N, 384, H / 8, W / 8) -> (N, 1000)
    """

    def build_head(self, classes: int) -> None:
        """Adds the layers, at the top level of the network as published."""
        self.incre_modules = nn.ModuleList(
            nn.Sequential(Bottleneck(inputs, width))
            for inputs, width in ((48, 32), (96, 64), (192, 128), (384, 256))
        )
        self.downsamp_modules = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inputs, width, 3, stride=2, padding=1),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            )
            for inputs, width in ((128, 256), (256, 512), (512, 1024))
        )
        self.final_layer = nn.Sequential(
            nn.Conv2d(1024, 2048, 1), nn.BatchNorm2d(2048), nn.ReLU(inplace=True)
        )
        self.classifier = nn.Linear(2048, classes)

    def forward_head(self, maps: list[Tensor]) -> Tensor:
        x = self.incre_modules[0](maps[0])
        x = self.incre_modules[1](maps[1]) + self.downsamp_modules[0](x)
        x = self.incre_modules[2](maps[2]) + self.downsamp_modules[1](x)
        x = self.incre_modules[3](maps[3]) + self.downsamp_modules[2](x)
        x = self.final_layer(x)
        return self.classifier(F.adaptive_avg_pool2d(x, 1).flatten(1))


class HRNet(ClassificationHead):
    """The network: images in, results out.

    x: (N, 3, H, W) -> (N, 1000)
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 64, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(
            Bottleneck(64, 64), *[Bottleneck(256, 64) for _ in range(3)]
        )
        self.transition1 = Transition([256], [48, 96])
        self.stage2 = nn.Sequential(HighResolutionModule([48, 96]))
        self.transition2 = Transition([48, 96], [48, 96, 192])
        self.stage3 = nn.Sequential(
            *[HighResolutionModule([48, 96, 192]) for _ in range(4)]
        )
        self.transition3 = Transition([48, 96, 192], [48, 96, 192, 384])
        self.stage4 = nn.Sequential(
            *[HighResolutionModule([48, 96, 192, 384]) for _ in range(3)]
        )
        self.build_head(classes)
        self.apply(init_weights)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = self.layer1(x)
        maps = self.transition1([x])
        maps = self.stage2(maps)
        maps = self.transition2(maps)
        maps = self.stage3(maps)
        maps = self.transition3(maps)
        maps = self.stage4(maps)
        return self.forward_head(maps)
