"""How branches are fused: the ways between them, and what each rule makes of its terms."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from onnx_models import assert_same, filled, made
from small import SMALL
from torch import Tensor
from torch.nn.functional import interpolate
from written import check

import hrnet_graph as hg
from hrnet_graph.analysis.memory import memory
from hrnet_graph.benchmark.verify import verify
from hrnet_graph.compiler.source.write import to_source
from hrnet_graph.compiler.torch.inference import optimize_for_inference
from hrnet_graph.ir.ops import AveragePool, PixelShuffle
from hrnet_graph.spec.emit import to_yaml
from hrnet_graph.viz.draw import lay_out

FUSES: list[dict[str, Any]] = [
    {"kind": "sum", "upsample": "transposed", "downsample": "average_pool", "two_steps": True},
    {"kind": "weighted_sum", "upsample": "bilinear"},
    {"kind": "weighted_sum", "normalise": "softmax", "connect": "down"},
    {"kind": "gated", "upsample": "pixel_shuffle", "downsample": "depthwise"},
    {"kind": "concat", "upsample": "transposed", "connect": "up"},
    {"kind": "none"},
]

BRANCHES = 3


def network(fuse: dict[str, Any], **changes: Any) -> hg.Spec:
    """A small network whose last stage fuses in some way, and hands on all its maps."""
    edits = {"head": {"kind": "features"}, "stages.2.modules": 1, **changes}
    return hg.load_spec(SMALL, {"stages.2.fuse": fuse, **edits})


@pytest.mark.parametrize("fuse", FUSES, ids=lambda fuse: fuse["kind"])
def test_all_who_read_a_fuse_unit_agree(fuse: dict[str, Any]) -> None:
    any_size = fuse.get("two_steps") or fuse.get("upsample") == "bilinear"
    size = (76, 52) if any_size else (64, 96)
    spec = network(fuse, **{"fuse.upsample": "bilinear"})
    graph = hg.build_graph(spec, size)
    assert not [count for count in verify(graph) if not count.agrees]
    check(graph, [size])
    model = filled(spec)
    assert_same(model, made(model), (1, *size))
    image = torch.randn(1, 3, *size)
    with torch.inference_mode():
        for one, other in zip(optimize_for_inference(model)(image), model(image), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    sum(y.square().sum() for y in model.train()(image.repeat(2, 1, 1, 1))).backward()
    assert all(p.grad is not None for p in model.parameters())


def terms_and_result(fuse: dict[str, Any]) -> tuple[torch.nn.Module, list[Tensor], Tensor]:
    """The finest branch's fuse unit, what each branch brings to it, and what it makes of that."""
    model = filled(network({"downsample": "strided", **fuse}))
    unit = model.get_submodule("stage3.0.fuse_layers.0")
    seen: dict[int, Tensor] = {}
    for i in range(BRANCHES):
        branch = model.get_submodule(f"stage3.0.branches.{i}")
        branch.register_forward_hook(lambda _, __, y, i=i: seen.update({i: y.clone()}))
    with torch.no_grad():
        result = model(torch.randn(1, 3, 64, 64))[0]
        terms = [seen[0]]
        for j in range(1, BRANCHES):
            way = unit.get_submodule(str(j))
            x = way.get_submodule("1")(way.get_submodule("0")(seen[j]))
            terms.append(interpolate(x, scale_factor=2**j, mode="nearest"))
    return unit, terms, result


def test_a_sum_is_weighted_by_the_shares_of_what_is_learnt() -> None:
    for how in ("fast", "softmax"):
        unit, terms, result = terms_and_result({"kind": "weighted_sum", "normalise": how})
        (weight,) = [value for key, value in unit.named_parameters() if key == "sum.weight"]
        learnt = weight.detach()
        share = learnt.relu() / (learnt.relu().sum() + 1e-4)
        share = learnt.softmax(0) if how == "softmax" else share
        expected = sum(x * each for x, each in zip(terms, share, strict=True))
        torch.testing.assert_close(result, torch.relu(expected))


def test_weights_start_alike_and_what_is_negative_counts_as_zero() -> None:
    model = hg.build_module(network({"kind": "weighted_sum"})).eval()
    weight = model.get_parameter("stage3.0.fuse_layers.1.sum.weight")
    assert weight.tolist() == [1.0] * BRANCHES
    layer = model.get_submodule("stage3.0.fuse_layers.1.sum")
    maps = [torch.randn(1, 2, 3, 3) for _ in range(BRANCHES)]
    with torch.no_grad():
        weight.copy_(torch.tensor([-5.0, 1.0, 3.0]))
        expected = (maps[1] + 3 * maps[2]) / (4 + 1e-4)
        torch.testing.assert_close(layer(*maps), expected)


def test_every_term_passes_its_gate() -> None:
    unit, terms, result = terms_and_result({"kind": "gated"})
    with torch.no_grad():
        for j, x in enumerate(terms):
            terms[j] = x * unit.get_submodule(f"gates.{j}")(x).sigmoid()
        torch.testing.assert_close(result, torch.relu(sum(terms[1:], terms[0])))


def test_channels_are_mixed_of_what_is_activated() -> None:
    unit, (own, *others), result = terms_and_result({"kind": "concat"})
    with torch.no_grad():
        x = torch.cat([own, *(x.relu() for x in others)], 1)
        mix = unit.get_submodule("mix")
        expected = mix.get_submodule("1")(mix.get_submodule("0")(x)).relu()
        torch.testing.assert_close(result, expected)


FED = {
    "all": {0: {0, 1, 2, 3}, 1: {0, 1, 2, 3}, 2: {0, 1, 2, 3}, 3: {0, 1, 2, 3}},
    "neighbours": {0: {0, 1}, 1: {0, 1, 2}, 2: {1, 2, 3}, 3: {2, 3}},
    "down": {1: {0, 1}, 2: {0, 1, 2}, 3: {0, 1, 2, 3}},
    "up": {0: {0, 1, 2, 3}, 1: {1, 2, 3}, 2: {2, 3}},
}
"""`connect` -> output -> the branches that feed it; one that is missing is its branch as it is."""


@pytest.mark.parametrize("connect", FED)
@pytest.mark.parametrize("kind", ["sum", "weighted_sum", "gated", "concat"])
def test_connect_says_which_branches_feed_an_output(kind: str, connect: str) -> None:
    four = {"branches": 4, "blocks": 1, "fuse": {"kind": kind, "connect": connect}}
    graph = hg.build_graph({**SMALL, "stages": [*SMALL["stages"][:2], four], "head": "features"})
    fed: dict[int, set[int]] = {}
    for node in graph.nodes:
        stage, _, inside = node.path.partition(".0.fuse_layers.")
        sources = (path for path in node.inputs if path.startswith("stage3.0.branches."))
        if stage == "stage3":
            fed.setdefault(int(inside[0]), set()).update(int(p.split(".")[3]) for p in sources)
    assert fed == FED[connect]
    untouched = {i for i, (_, path) in enumerate(graph.outputs) if ".branches." in path}
    assert untouched == {0, 1, 2, 3} - fed.keys()


@pytest.mark.parametrize(
    ("fuse", "message"),
    [
        ({"connect": "up", "downsample": "depthwise"}, "fuse.downsample: nothing in the"),
        ({"connect": "down", "upsample": "bilinear"}, "fuse.upsample: nothing in the network"),
        ({"kind": "gated", "align_corners": True}, "fuse.align_corners: nothing in the"),
        ({"kind": "concat", "finest_twice": True}, "fuse.finest_twice: unknown key"),
        ({"kind": "none", "connect": "up"}, "fuse.connect: unknown key"),
        ({"kind": "weighted_sum", "normalise": "fat"}, "expected 'fast' or 'softmax', got 'fat'"),
    ],
)
def test_what_has_no_effect_is_refused(fuse: dict[str, Any], message: str) -> None:
    with pytest.raises(hg.SpecError) as refused:
        hg.build_graph({**SMALL, "fuse": fuse})
    assert message in str(refused.value)


def test_two_branches_are_neighbours_anyway() -> None:
    two = {**SMALL, "stages": SMALL["stages"][:2], "head": "features"}
    with pytest.raises(hg.SpecError, match=r"fuse\.connect: nothing in the network reads it"):
        hg.build_graph({**two, "fuse": {"connect": "neighbours"}})


@pytest.mark.parametrize(
    ("upsample", "what"),
    [("transposed", "transposed convolution"), ("pixel_shuffle", "pixel shuffle")],
)
def test_what_enlarges_by_a_factor_says_so_where_a_size_does_not_fit(
    upsample: str, what: str
) -> None:
    fuse = {"kind": "gated", "upsample": upsample}
    text = hg.load_spec({**SMALL, "head": "features", "fuse": fuse}).dump()
    with pytest.raises(hg.SpecError) as refused:
        hg.build_graph(text, (64, 72))
    hint = f"{what} by a fixed factor needs sizes that halve cleanly: use 64x64, or fuse.upsample"
    assert f"{hint}: bilinear" in str(refused.value)


def test_means_of_an_odd_map_take_what_is_left() -> None:
    graph = hg.build_graph(network({"upsample": "bilinear", "downsample": "average_pool"}))
    pools = [node.op for node in graph.nodes if isinstance(node.op, AveragePool)]
    assert pools == [AveragePool(2, True), AveragePool(4, True), AveragePool(2, True)]
    pool = hg.build_module(graph).get_submodule("stage3.0.fuse_layers.1.0.0")
    (x,) = torch.arange(9.0).view(1, 1, 3, 3)
    assert pool(x).tolist() == [[[2.0, 3.5], [6.5, 8.0]]]


def test_pixels_come_of_channels() -> None:
    graph = hg.build_graph(network({"upsample": "pixel_shuffle"}))
    shuffles = [node for node in graph.nodes if isinstance(node.op, PixelShuffle)]
    assert [graph.operands(node)[0].channels for node in shuffles] == [16, 16, 16, 32]
    assert [node.type.channels for node in shuffles] == [4, 4, 4, 8]


@pytest.mark.parametrize("fuse", [{"kind": "none"}, {"connect": "down"}, {"connect": "neighbours"}])
def test_a_branch_that_nobody_reads_is_told_with_a_remedy_that_works(fuse: dict[str, Any]) -> None:
    spec = hg.load_spec({**SMALL, "head": {"kind": "heatmap", "joints": 2}, "fuse": fuse})
    found = hg.check(to_yaml(spec.dump()))
    assert not found.problems
    assert any("stage3.1" in warning.message for warning in found.warnings)
    for warning in found.warnings:
        for fix in warning.fixes:
            assert not hg.check(to_yaml(hg.load_spec(spec, {fix.key: fix.value}).dump())).problems


@pytest.mark.parametrize(
    ("kind", "word"), [("weighted_sum", "weights"), ("gated", "gates"), ("concat", "concat")]
)
def test_figures_tell_fuse_units_apart(kind: str, word: str) -> None:
    graph = hg.build_graph({**SMALL, "fuse": kind})
    said = [line for label in lay_out(graph).labels for line in label.lines]
    assert said.count(word) == 8
    assert f"{word}: how branches are fused" in said
    plain = lay_out(hg.build_graph(SMALL))
    assert word not in {line for label in plain.labels for line in label.lines}
    panel = [line for label in lay_out(graph, "fuse").labels for line in label.lines]
    operators = {"weights": "weighted sum", "gates": "conv 1x1, sigmoid, multiply"}
    assert operators.get(word, word) in panel


def test_weights_are_counted_loaded_and_kept() -> None:
    plain, weighted = (hg.build_graph(network({"kind": kind})) for kind in ("sum", "weighted_sum"))
    added = hg.analyze(weighted).params - hg.analyze(plain).params
    assert added == BRANCHES**2
    assert weighted.state().keys() - plain.state().keys() == {
        f"stage3.0.fuse_layers.{i}.sum.weight" for i in range(BRANCHES)
    }
    assert hg.analyze(weighted).by("kind")["fuse weights"].params == BRANCHES**2
    assert memory(weighted).gradients - memory(plain).gradients == 4 * BRANCHES**2


@pytest.mark.parametrize("fuse", FUSES, ids=lambda fuse: fuse["kind"])
def test_source_has_a_class_for_all_fuse_units(fuse: dict[str, Any]) -> None:
    four = {"branches": 4, "blocks": 1, "modules": 2}
    stages = [*SMALL["stages"][:2], four]
    source = to_source(
        hg.build_graph({**SMALL, "stages": stages, "head": "features", "fuse": fuse})
    )
    assert source.count("class ") <= 8
    assert "for i in range(" in source or fuse["kind"] == "none"
    assert len(source.splitlines()) < 280


def test_hrformer_is_written_as_the_papers_draw_it() -> None:
    source = to_source(hg.build_graph("hrformer_tiny_cls"))
    assert "class Fuse(nn.ModuleList):" in source
    assert len(source.splitlines()) < 450
