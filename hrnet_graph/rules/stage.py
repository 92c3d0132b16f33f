"""A stage: parallel branches of blocks, and a fuse unit, repeated."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial

from hrnet_graph.ir.builder import Builder, Value

Block = Callable[[Builder, Value, int, int, bool], Value]
"""A block rule, its options given: (builder, x: (C, H, W), channels, stride, whether it ends with
an activation) -> (width, H/stride, W/stride)."""

JointBlock = Callable[[Builder, Sequence[Value], Sequence[int]], list[Value]]
"""A block of all branches together, its options given: (builder, maps, channels) -> maps."""

Fuse = Callable[[Builder, Sequence[Value], int], list[Value]]
"""A fuse rule, its options given: (builder, maps, outputs) -> maps."""


@dataclass(frozen=True)
class StageConfig:
    """One stage, everything derived: rows have one entry a branch.

    `outputs` is the number of maps that the last module hands on; the other modules keep all.
    `strides` are those of the first blocks. Where the stage is `pending`, what it hands on is to be
    activated by its readers. `depth_at` says of how many blocks before one in its branch how deep
    that stands in the network. `joint` is set in place of `block` where all branches together pass
    the same blocks; `labels` and `summaries` say what the blocks are. `what` says all of this but
    `outputs`, if anything: stages that have it equal write the same.
    """

    block: tuple[Block, ...]
    joint: JointBlock | None
    labels: tuple[str, ...]
    summaries: tuple[str, ...]
    modules: int
    blocks: tuple[int, ...]
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    pending: bool
    outputs: int
    fuse: Fuse
    depth_at: Callable[[int], float] = lambda before: 1.0
    what: Hashable = None


def first_layer(b: Builder, x: Value, plan: StageConfig) -> Value:
    """A first stage of one branch: a plain run of blocks, published as `layer1`.

    x: (C, H, W) -> (width, H, W)

    Source: HRNet-Image-Classification, lib/models/cls_hrnet.py, `_make_layer`.
    """
    with b.scope("layer1", kind="stage", branch=0):
        return _run_joint(b, [x], plan)[0] if plan.joint else _run(b, x, plan, branch=0)


def stage(b: Builder, name: str, maps: Sequence[Value], plan: StageConfig) -> list[Value]:
    """Modules in sequence, each of parallel branches and a fuse unit.

    maps[i]: (C_i, H_i, W_i) -> result[i]: (width_i, H_i/strides[i], W_i/strides[i]), for i <
    plan.outputs

    Source: Wang et al., TPAMI 2020, section 3.2.
    """
    with b.scope(name, kind="stage"):
        for m in range(plan.modules):
            outputs = plan.outputs if m == plan.modules - 1 else len(maps)
            write = partial(_module, plan=plan, outputs=outputs, before=m)
            what = plan.what and (plan.what, outputs, _place(plan, m))
            with b.scope(m, kind="module", label="high-resolution module"):
                maps = b.once(what, write, maps)
    return list(maps)


def _place(plan: StageConfig, before: int) -> Hashable:
    """All that the blocks of a module can tell of where it stands, behind so many others."""
    depths = {n: [plan.depth_at(before * n + k) for k in range(n)] for n in set(plan.blocks)}
    strides = None if before else plan.strides
    return tuple(map(tuple, depths.values())), set(plan.strides) == {1} or strides


def _module(
    b: Builder, maps: Sequence[Value], plan: StageConfig, outputs: int, before: int
) -> list[Value]:
    if plan.joint:
        with b.scope("layers"):
            grown = _run_joint(b, maps, plan, before)
    else:
        grown = _run_branches(b, maps, plan, before)
    if len(grown) == 1:
        return grown
    with b.scope("fuse_layers"):
        return plan.fuse(b, grown, outputs)


def _run_branches(b: Builder, maps: Sequence[Value], plan: StageConfig, before: int) -> list[Value]:
    grown = []
    for i, x in enumerate(maps):
        with b.scope("branches", i, kind="branch", branch=i):
            grown.append(_run(b, x, plan, i, before))
    return grown


def _run_joint(
    b: Builder, maps: Sequence[Value], plan: StageConfig, before: int = 0
) -> list[Value]:
    """Blocks of all branches, one after another."""
    assert plan.joint
    grown = list(maps)
    for k in range(plan.blocks[0]):
        depth = plan.depth_at(before * plan.blocks[0] + k)
        scope = b.scope(k, kind="block", label=plan.labels[0], summary=plan.summaries[0])
        with scope, b.at_depth(depth):
            grown = plan.joint(b, grown, plan.channels)
    return grown


def _run(b: Builder, x: Value, plan: StageConfig, branch: int, before: int = 0) -> Value:
    """The blocks of one branch, one after another, behind `before` modules."""
    x, count = b.ready("act", x), plan.blocks[branch]
    label, summary = plan.labels[branch], plan.summaries[branch]
    for k in range(count):
        depth = plan.depth_at(before * count + k)
        stride = 1 if before or k else plan.strides[branch]
        scope = b.scope(k, kind="block", branch=branch, label=label, summary=summary)
        with scope, b.at_depth(depth):
            activated = not plan.pending or k < count - 1
            x = plan.block[branch](b, x, plan.channels[branch], stride, activated)
    return x
