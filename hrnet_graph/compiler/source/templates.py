"""The text of what every high-resolution network shares, as a person would write it."""

from __future__ import annotations

from hrnet_graph.compiler.source.backbone import ModuleStyle, init_parameters
from hrnet_graph.compiler.source.expressions import Expr, Group, flat, lay_out, repeat


def conv_norm(norm: Expr) -> str:
    """A convolution and its normalisation, as a function."""
    lines = [
        "def conv_norm(",
        "    in_channels: int, channels: int, kernel_size: int, stride: int",
        ") -> list[nn.Module]:",
        '    """A convolution without bias, zero-padded, and its normalisation.',
        "",
        "    x: (N, in_channels, H, W) -> (N, channels, H / stride, W / stride)",
        '    """',
        "    conv = nn.Conv2d(",
        "        in_channels, channels, kernel_size, stride, kernel_size // 2, bias=False",
        "    )",
        *lay_out("return ", Group("[", ("conv", norm), "]"), indent=4),
    ]
    return "\n".join(lines)


def resize(aligned: frozenset[bool]) -> str:
    """Bilinear resizing, as a function."""
    if len(aligned) > 1:
        head, value = ", align_corners: bool = False", "align_corners"
    else:
        head, value = "", str(next(iter(aligned)))
    signature = f"def resize(x: Tensor, like: Tensor{head}) -> Tensor:"
    return f'''{signature}
    """Bilinear interpolation of a map to the size of another.

    x: (N, C, H, W), like: (N, D, H', W') -> (N, C, H', W')
    """
    size = like.shape[2:]
    return F.interpolate(x, size=size, mode="bilinear", align_corners={value})'''


def transition(activation: Expr) -> str:
    """The transition between stages, as a class."""
    act = flat(activation)
    return f'''class Transition(nn.ModuleList):
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
                self.append(nn.Sequential(*conv, {act}))
            else:
                self.append(nn.Identity())

    @staticmethod
    def start(coarsest: int, width: int, halvings: int) -> nn.Sequential:
        """A new branch below the coarsest; the last of its steps sets the width."""
        widths = [coarsest] * (halvings - 1) + [width]
        return nn.Sequential(
            *[
                nn.Sequential(*conv_norm(coarsest, width, 3, 2), {act})
                for width in widths
            ]
        )

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        return [layer(maps[min(i, len(maps) - 1)]) for i, layer in enumerate(self)]'''


def fuse(activation: Expr, function: str, resizing: Expr | None) -> str:
    """One output of a fuse unit, as a class; `resizing` is the call that enlarges, if bilinear."""
    up = "            return nn.Sequential(*conv_norm(inputs, width, 1, 1)"
    if resizing is None:
        enlarge = f"""            factor = 2 ** (source - self.branch)
            up = nn.Upsample(scale_factor=factor, mode="nearest")
{up}, up)"""
        adding = [f"        return {function}(sum(terms[1:], terms[0]))"]
    else:
        enlarge = f"{up})"
        loop = Group("[", (resizing, "for x in terms[self.branch + 1 :]"), "]", " ")
        adding = [
            "        same = terms[: self.branch + 1]",
            *lay_out("coarser = ", loop),
            f"        return {function}(sum([*same[1:], *coarser], same[0]))",
        ]
    return "\n".join([_FUSE.format(enlarge=enlarge, activation=flat(activation)), *adding])


_FUSE = '''class Fuse(nn.ModuleList):
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
{enlarge}
        # a finer branch is halved step by step; the last step sets the width
        steps = [
            nn.Sequential(*conv_norm(inputs, inputs, 3, 2), {activation})
            for _ in range(self.branch - source - 1)
        ]
        return nn.Sequential(*steps, nn.Sequential(*conv_norm(inputs, width, 3, 2)))

    def forward(self, maps: list[Tensor]) -> Tensor:
        terms = [path(x) for path, x in zip(self, maps)]'''


def module(form: ModuleStyle) -> str:
    """Branches and fuse unit, as a class."""
    head = Group(
        "def __init__(", ("self", "channels: list[int]", *init_parameters(form)), ") -> None:"
    )
    fewer = ", for i < outputs" if form.some_outputs_only else ""
    lines = [
        "class HighResolutionModule(nn.Module):",
        '    """Branches side by side, and a fuse unit by which each receives all others.',
        "",
        f"    maps[i]: (N, channels[i], H / 2^i, W / 2^i) -> the same{fewer}",
        '    """',
        "",
        *lay_out("", head, indent=4),
        "        super().__init__()",
        *lay_out("self.branches = ", _branches(form)),
        *_fuse_layers(form),
        "",
        "    def forward(self, maps: list[Tensor]) -> list[Tensor]:",
        "        maps = [branch(x) for branch, x in zip(self.branches, maps)]",
    ]
    if form.has_fuse:
        whole = " or maps" if form.has_single_branch else ""
        return "\n".join(
            [*lines, f"        return [fuse(maps) for fuse in self.fuse_layers]{whole}"]
        )
    return "\n".join([*lines[:-1], lines[-1].replace("maps =", "return")])


def _fuse_layers(form: ModuleStyle) -> list[str]:
    if not form.has_fuse:
        return []
    count = "outputs or len(channels)" if form.some_outputs_only else "len(channels)"
    loop: list[Expr] = ["Fuse(channels, i)", f"for i in range({count})"]
    if form.has_single_branch:
        loop.append("if len(channels) > 1")
    return lay_out("self.fuse_layers = ", Group("nn.ModuleList(", tuple(loop), ")", " "))


def _branches(form: ModuleStyle) -> Expr:
    if form.block is None:
        return "nn.ModuleList(branches)"
    if form.blocks_vary:
        loop, count = "for width, count in zip(channels, blocks)", "count"
    else:
        loop, count = "for width in channels", "blocks" if form.count is None else str(form.count)
    run = Group("nn.Sequential(", (repeat(form.block, count),))
    return Group("nn.ModuleList(", (run, loop), ")", " ")
