"""Every op: its page is complete, and what it states agrees with all who compute or count it."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from engines import engine as engine_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx_models import filled, made, session
from watch import Watch, saved_for_backward
from written import load

import hrnet_graph as hg
from hrnet_graph.analysis.memory import memory
from hrnet_graph.benchmark.verify import verify
from hrnet_graph.compiler.source.write import to_source
from hrnet_graph.compiler.torch.inference import optimize_for_inference
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.ir import ops
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.graph import Initialisation
from hrnet_graph.ir.ops import Activation, Op
from hrnet_graph.ir.ops.activation import ACTIVATIONS
from hrnet_graph.ir.ops.base import COLUMNS
from hrnet_graph.ir.types import TensorType

Shape = tuple[int, ...]


def subclasses(kind: Any) -> Iterator[type[Op]]:
    """All ops of our own that can be made; those between them and `Op` share facts."""
    for below in kind.__subclasses__():
        if "__dataclass_params__" in vars(below) and below.__module__.startswith("hrnet_graph."):
            yield below
        yield from subclasses(below)


KINDS = list(dict.fromkeys(kind for kind in subclasses(Op) if kind is not ops.Input))

SAMPLES: dict[str, list[Any]] = {
    "int": [1, 2, 3, 4],
    "float": [0.5],
    "bool": [False, True],
    "str": [*ACTIVATIONS, ""],
    "tuple[int, int] | None": [None, (2, 3), (1, 1)],
}
"""The type of an op's field -> what it is tried with."""


def accepted(kind: type[Op], pool: Sequence[Shape], seed: int) -> tuple[Op, tuple[Shape, ...]]:
    """An op of a class with random fields, on operands from a pool that its shape rule takes."""
    draw = random.Random(seed)
    for _ in range(20_000):
        shapes = tuple(draw.choices(pool, k=draw.choice((1, 2, 2, 3))))
        try:
            op = kind(*[draw.choice(SAMPLES[str(field.type)]) for field in fields(kind)])
            op.infer(tuple(map(TensorType, shapes)))
        except hg.HRNetGraphError:
            continue
        if not isinstance(op, ops.BatchNorm) or shapes[0][1:] != (1, 1):  # torch refuses to train
            return op, shapes
    raise AssertionError("no operands from the pool fit: add some that do")


def network(op: Op, shapes: Sequence[Shape]) -> Network:
    """An op alone, on operands that nobody else reads: maps, matrices and vectors of an image."""
    b = Builder(ops.BatchNorm(), Activation())
    image = b.input((2, 6, 4))

    def operand(i: int, shape: Shape) -> Value:
        height, width = (*shape[1:], 1, 1)[:2] if len(shape) > 1 else (1, 1)
        x = b.add(f"conv{i}", ops.Conv2d(shape[0], bias=True), image)
        x = b.add(f"pool{i}", ops.AdaptiveAveragePool((height, width)), x)
        x = b.add(f"scale{i}", ops.Scale(2.0), x)
        if len(shape) == 1:
            return b.add(f"vector{i}", ops.Flatten(), x)
        return x if len(shape) == 3 else b.add(f"matrix{i}", ops.FlattenPixels(), x)

    y = b.add("op", op, *[operand(i, shape) for i, shape in enumerate(shapes)])
    how = Initialisation()
    return filled(b.finish(y, name="alone", init=how, head_init=how))


def agree_torch_and_source(model: Network, image: torch.Tensor, expected: torch.Tensor) -> None:
    assert torch.equal(pickle.loads(pickle.dumps(model))(image), expected)
    written = load(to_source(model.graph)).eval()
    assert list(written.state_dict()) == list(model.graph.state()) == list(model.state_dict())
    written.load_state_dict(model.state_dict())
    assert torch.equal(written(image), expected)


def agree_engines(model: Network, image: torch.Tensor, expected: torch.Tensor) -> None:
    results = [optimize_for_inference(model)(image).numpy()] if is_plain(model) else []
    for fixed in (False, True):
        engine = session(made(model, fixed_size=fixed))
        results += engine.run(None, {"input": image.numpy()})
    if is_plain(model):
        results.append(hg.compile(model, engine_of("ncnn"), threads=1)(image.numpy()))
    for result in results:
        assert result.shape == tuple(expected.shape)
        scale = max(1.0, float(expected.abs().max()))
        assert np.abs(result - expected.numpy()).max() <= 1e-4 * scale


def is_plain(model: Network) -> bool:
    """Whether rules can make the network: a rewrite's op is not rewritten again."""
    return not any(node.op.is_rewrite for node in model.graph.nodes)


def agree_counters_and_memory(model: Network, image: torch.Tensor) -> None:
    graph = model.graph
    assert not [check for check in verify(graph) if not check.agrees]
    with (
        torch.no_grad(),
        Watch(image, model.state_dict().values()) as watch,
    ):  # under inference_mode it sees no helpers
        model(image)
    assert memory(graph).peak == watch.peak
    if is_plain(model):
        assert memory(graph).activations == saved_for_backward(graph)


def agree_windows(op: Op, shapes: Sequence[Shape]) -> None:
    """What a row of the result depends on is what `reads` says, to the row."""
    y = op.infer(tuple(map(TensorType, shapes)))
    if len(y.shape) != 3 or any(len(shape) != 3 for shape in shapes):
        return
    if isinstance(
        op, ops.GroupNorm | ops.InstanceNorm
    ):  # whose statistics a receptive field leaves out
        return
    model = network(op, shapes).double()
    layer = model.get_submodule("op")
    maps = [torch.rand(1, *shape, dtype=torch.float64) + 0.5 for shape in shapes]
    windows = op.reads(n := y.size[0] - 1, tuple(shape[1] for shape in shapes), y.size[0])
    for i, (window, x) in enumerate(zip(windows, maps, strict=False)):
        x.requires_grad_()
        result = layer(*[each + 0 for each in maps])
        (gradient,) = torch.autograd.grad(result[0, :, n].sin().sum(), x)
        rows = gradient[0].abs().sum(dim=(0, 2)).nonzero().flatten().tolist()
        first, last = window or (0, x.shape[2] - 1)
        assert not rows or set(rows) <= set(range(max(first, 0), last + 1)), i
        if rows and not isinstance(
            op, Activation | ops.BatchNorm | ops.FusedConv2d | ops.Softmax | ops.DeformConv2d
        ):
            assert rows[0] == max(first, 0)
            assert rows[-1] == min(last, x.shape[2] - 1)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data())
def test_all_who_read_an_op_s_page_agree(kind: type[Op], data: st.DataObject) -> None:
    c, h, w, more = (data.draw(st.integers(*ends)) for ends in ((1, 3), (2, 6), (2, 6), (1, 7)))
    x = (2 * c, h, w)
    pool: list[Shape] = [x, (c, h, w), (2 * c, more, h), (2 * c, 1, 1), (1, h, w), (3 * more,)]
    pool += [(2 * c, h * w), (h * w, c), *((n, h, w) for n in (2, 4, 18))]
    check(*accepted(kind, pool, seed=data.draw(st.integers(0, 999))))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_all_who_read_an_activation_s_row_agree(name: str) -> None:
    check(Activation(name), [(3, 5, 4)])


def test_a_map_that_lends_its_size_alone_is_not_kept() -> None:
    graph = network(ops.AdaptiveAveragePool(), [(1, 4, 3), (4, 6, 4)]).graph
    assert memory(graph).activations == saved_for_backward(graph)


def check(op: Op, shapes: Sequence[Shape]) -> None:
    model = network(op, shapes)
    image = torch.randn(1, *model.graph.input.type.shape)
    with torch.inference_mode():
        expected = model(image)
    assert tuple(expected.shape[1:]) == model.graph["op"].type.shape
    with torch.inference_mode():
        if is_plain(model):
            agree_torch_and_source(model, image, expected)
        agree_engines(model, image, expected)
    agree_counters_and_memory(model, image)
    agree_windows(op, shapes)


def test_the_package_exports_every_op() -> None:
    assert {kind.__name__ for kind in subclasses(Op)} <= set(vars(ops))


@pytest.mark.parametrize("columns", COLUMNS, ids=lambda columns: columns[0])
def test_an_op_that_lacks_a_column_is_refused(columns: tuple[str, ...]) -> None:
    stated: dict[str, Any] = {
        "__module__": __name__,
        **{name: lambda *_: None for row in COLUMNS for name in row},
        "family": "pointwise",
    }
    type("Whole", (Op,), stated)
    lacking = {name: value for name, value in stated.items() if name not in columns}
    package = __name__.partition(".")[0]
    sentence = f"{package}: the op Lacking in {__file__} does not state its {' or '.join(columns)}"
    with pytest.raises(hg.HRNetGraphError) as refused:
        type("Lacking", (Op,), lacking)
    assert str(refused.value) == sentence


def test_an_activation_that_there_is_not_is_refused_when_it_is_made() -> None:
    with pytest.raises(hg.HRNetGraphError, match=r"unknown activation 'sigmoit'; did you mean"):
        Activation("sigmoit")


def test_an_activation_overwrites_no_map_of_which_it_has_a_view() -> None:
    b = Builder(ops.BatchNorm(), Activation())
    x = b.add("conv", ops.Conv2d(4), b.input((1, 4, 4)))
    parts = [b.add(f"part{i}", ops.Split(2 * i, 2 * i + 2), x) for i in range(2)]
    active = b.activation("act", parts[0])
    y = b.sum("sum", b.concat("both", active, parts[1]), x)
    how = Initialisation()
    graph = b.finish(y, name="views", init=how, head_init=how)
    assert not graph.runs_in_place(graph["act"])
    model = filled(graph)
    image = torch.randn(1, 1, 4, 4)
    with torch.inference_mode():
        x = model.get_submodule("conv")(image)
        assert torch.equal(model(image), torch.cat([x[:, :2].relu(), x[:, 2:]], 1) + x)
        torch.testing.assert_close(optimize_for_inference(model)(image), model(image))
    assert memory(graph).activations == saved_for_backward(graph)
