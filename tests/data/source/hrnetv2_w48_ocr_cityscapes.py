"""hrnetv2_w48_ocr_cityscapes, a high-resolution network (HRNet) in torch.

N x 3x1024x2048 -> N x 19x256x512, N x 19x256x512
70,372,678 parameters; 1,297,879,072,768 multiply-accumulates for an image of 1024x2048.

    model = HRNet()
    model.load_state_dict(torch.load("weights.pth", weights_only=True))

Weights of `hrnet-graph build hrnetv2_w48_ocr_cityscapes -o net.pt`
lie there under "state_dict".
Written by hrnet-graph 0.1.0.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def resize(x: Tensor, like: Tensor) -> Tensor:
    """Bilinear interpolation of a map to the size of another.

    x: (N, C, H, W), like: (N, D, H', W') -> (N, C, H', W')
    """
    size = like.shape[2:]
    return F.interpolate(x, size=size, mode="bilinear", align_corners=True)


def init_weights(layer: nn.Module) -> None:
    """Starts convolutions by a narrow normal distribution."""
    if isinstance(layer, nn.Conv2d):
        nn.init.normal_(layer.weight, std=0.001)


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
            return nn.Sequential(*conv_norm(inputs, width, 1, 1))
        # a finer branch is halved step by step; the last step sets the width
        steps = [
            nn.Sequential(*conv_norm(inputs, inputs, 3, 2), nn.ReLU(inplace=True))
            for _ in range(self.branch - source - 1)
        ]
        return nn.Sequential(*steps, nn.Sequential(*conv_norm(inputs, width, 3, 2)))

    def forward(self, maps: list[Tensor]) -> Tensor:
        terms = [path(x) for path, x in zip(self, maps)]
        same = terms[: self.branch + 1]
        coarser = [resize(x, maps[self.branch]) for x in terms[self.branch + 1 :]]
        return F.relu(sum([*same[1:], *coarser], same[0]))


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


class ObjectContextBlock(nn.Module):
    """For every pixel the regions' features, weighed by how much pixel and region are
    alike.

    x0: (N, channels, H, W), x1: (N, channels, 19, 1) -> (N, channels, H, W)
    """

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.f_pixel = nn.Sequential(
            nn.Conv2d(channels, out_channels, 1, bias=False),
            nn.Sequential(nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)),
            nn.Conv2d(out_channels, out_channels, 1, bias=False),
            nn.Sequential(nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)),
        )
        self.f_object = nn.Sequential(
            nn.Conv2d(channels, out_channels, 1, bias=False),
            nn.Sequential(nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)),
            nn.Conv2d(out_channels, out_channels, 1, bias=False),
            nn.Sequential(nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)),
        )
        self.f_down = nn.Sequential(
            nn.Conv2d(channels, out_channels, 1, bias=False),
            nn.Sequential(nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)),
        )
        self.f_up = nn.Sequential(
            nn.Conv2d(out_channels, channels, 1, bias=False),
            nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(inplace=True)),
        )

    def forward(self, x0: Tensor, x1: Tensor) -> Tensor:
        x = self.f_pixel(x0)
        y = self.f_object(x1)
        f_down = self.f_down(x1)
        x = (x.flatten(2).transpose(1, 2) @ y.flatten(2)) * 0.0625
        x = F.softmax(x, dim=-1)
        x = (f_down.flatten(2) @ x.transpose(1, 2)).unflatten(2, x0.shape[2:])
        return self.f_up(x)


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


class OcrDistriHead(nn.Module):
    """The context of every pixel beside its own features, reduced to their width.

    x0: (N, 512, H, W), x1: (N, 512, 19, 1) -> (N, 512, H, W)
    """

    def __init__(self) -> None:
        super().__init__()
        self.object_context_block = ObjectContextBlock(512, 256)
        self.conv_bn_dropout = nn.Sequential(
            nn.Conv2d(1024, 512, 1, bias=False),
            nn.Sequential(nn.BatchNorm2d(512), nn.ReLU(inplace=True)),
            nn.Dropout2d(0.05),
        )

    def forward(self, x0: Tensor, x1: Tensor) -> Tensor:
        x = torch.cat([self.object_context_block(x0, x1), x0], dim=1)
        return self.conv_bn_dropout(x)


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


class OcrHead(nn.Module):
    """Coarse classes give soft object regions, whose features then describe every
    pixel.

    maps: (N, 48, H, W), (N, 96, H / 2, W / 2), (N, 192, H / 4, W / 4),
        (N, 384, H / 8, W / 8) -> (N, 19, H, W), (N, 19, H, W)
    """

    def build_head(self, classes: int) -> None:
        """Adds the layers, at the top level of the network as published."""
        self.conv3x3_ocr = nn.Sequential(
            nn.Conv2d(720, 512, 3, padding=1),
            nn.BatchNorm2d(512),
            nn.ReLU(inplace=True),
        )
        self.ocr_distri_head = OcrDistriHead()
        self.cls_head = nn.Conv2d(512, classes, 1)
        self.aux_head = nn.Sequential(
            nn.Conv2d(720, 720, 1),
            nn.BatchNorm2d(720),
            nn.ReLU(inplace=True),
            nn.Conv2d(720, classes, 1),
        )

    def forward_head(self, maps: list[Tensor]) -> dict[str, Tensor]:
        x = torch.cat([maps[0], *[resize(x, maps[0]) for x in maps[1:]]], dim=1)
        y = self.conv3x3_ocr(x)
        aux = self.aux_head(x)
        x = F.softmax(aux.flatten(2), dim=-1)
        x = (y.flatten(2) @ x.transpose(1, 2)).unsqueeze(-1)
        x = self.ocr_distri_head(y, x)
        main = self.cls_head(x)
        return {"aux": aux, "main": main}


class HRNet(OcrHead):
    """The network: images in, results out.

    x: (N, 3, H, W) -> (N, 19, H / 4, W / 4), (N, 19, H / 4, W / 4)
    """

    def __init__(self, classes: int = 19) -> None:
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
        self.apply(init_weights)
        self.build_head(classes)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
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
