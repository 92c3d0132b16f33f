"""Engines: what starts them, what they leave as it was, and those of other packages."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from engines import ENGINES, agree, engine, image, module
from plugged import lay_out_package
from small import SMALL
from torch import nn

import hrnet_graph as hg
from hrnet_graph import plug_ins
from hrnet_graph.compiler.model import Model
from hrnet_graph.compiler.passes.weights import Array
from hrnet_graph.compiler.torch.build import with_weights
from hrnet_graph.engines import engine as rows
from hrnet_graph.engines.torch import threads

PLUGIN = '''
"""An engine that answers zeros."""

import numpy as np

from hrnet_graph.engines.engine import Engine

ENGINE = Engine("zeros", __name__, ("float32",), reads="model")
NAMELESS = Engine("ones", __name__, ("float32",))


def start(model, options):
    shapes = [model.graph[path].type.shape for path in model.graph.output_paths]
    return lambda x: [np.zeros((len(x), *shape), np.float32) for shape in shapes]
'''


@pytest.fixture
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that offers engines, one of them broken and one under another's name."""
    points = (
        "zeros = zeros_engine:ENGINE\nbroken = zeros_engine:GONE\nother = zeros_engine:NAMELESS"
    )
    points = f"[hrnet_graph.engines]\n{points}\n"
    lay_out_package(tmp_path, "zeros", points, {"zeros_engine": PLUGIN})
    monkeypatch.syspath_prepend(str(tmp_path))
    plug_ins.points.cache_clear()
    yield
    plug_ins.points.cache_clear()
    sys.modules.pop("zeros_engine", None)


@pytest.mark.usefixtures("plugged")
def test_an_engine_of_another_package_is_one_file_and_an_entry_point() -> None:
    run = hg.compile(SMALL, "zeros")
    assert run.target == "zeros"
    result = run(np.ones((2, 3, 64, 64), np.float32))
    np.testing.assert_array_equal(result, np.zeros((2, 5), np.float32))
    assert isinstance(run(torch.ones(1, 3, 64, 64)), torch.Tensor)
    with pytest.raises(hg.HRNetGraphError, match="the target zeros has no int8, only float32"):
        hg.compile(SMALL, "zeros", "int8")


@pytest.mark.usefixtures("plugged")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "broken",
            r"the target 'broken' cannot be loaded from zeros_engine:GONE: AttributeError: .* 'GONE'",
        ),
        ("other", r"the target 'other': expected an Engine of that name, got 'ones'"),
        ("zero", r"unknown target 'zero'; did you mean 'zeros'\? \(known: torch, .*, zeros"),
    ],
)
def test_a_broken_engine_is_one_sentence_when_it_is_asked_for(name: str, message: str) -> None:
    with pytest.raises(hg.HRNetGraphError, match=f"^{message}") as caught:
        hg.compile(SMALL, name)
    assert "\n" not in caught.value.message
    hg.compile(SMALL)


WRONG = [
    ("def start", "def begin", "the target zeros does not start: AttributeError: module 'zeros"),
    ('reads="model"', 'reads="modl"', "the target 'zeros' cannot .*: reads: expected 'model' or"),
    (
        '("float32",), reads',
        '("float",), reads',
        "the target 'zeros' cannot .*: precisions: expected",
    ),
    ('reads="model"', 'packages=("nowhere.inner",)', "the target zeros needs nowhere.inner"),
    ("[np.zeros", "[][:0] and [np.zeros", "the target zeros answers nothing where small gives 1x5"),
    ("(len(x), *shape)", "(len(x), 9, *shape)", "the target zeros answers 1x9x5 where small gives"),
]


@pytest.mark.parametrize(("was", "now", "message"), WRONG)
def test_an_engine_that_is_wrong_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, was: str, now: str, message: str
) -> None:
    assert was in PLUGIN
    files = {"zeros_engine": PLUGIN.replace(was, now, 1)}
    points = "[hrnet_graph.engines]\nzeros = zeros_engine:ENGINE\n"
    lay_out_package(tmp_path, "zeros", points, files)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "zeros_engine", raising=False)
    plug_ins.points.cache_clear()
    with pytest.raises(hg.HRNetGraphError, match=f"^{message}"):
        hg.compile(SMALL, "zeros")(np.ones((1, 3, 64, 64), np.float32))
    plug_ins.points.cache_clear()


@pytest.mark.parametrize("target", ["onnxruntime", "openvino"])
def test_engines_build_no_module(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine(target)

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a torch module was made")

    torch.manual_seed(0)
    expected = hg.build_module(SMALL).eval()
    monkeypatch.setattr(nn.Module, "__init__", refuse)
    torch.manual_seed(0)
    run = hg.compile(SMALL, target)
    monkeypatch.undo()
    x = image(1, 3, 64, 64)
    with torch.no_grad():
        agree(run(x), expected(x), "float32")


@pytest.mark.parametrize("conv", ["kaiming", "lecun", "normal", "default"])
def test_random_weights_are_the_modules(conv: str) -> None:
    graph = hg.build_graph(hg.load_spec(SMALL, {"init.conv": conv}))
    torch.manual_seed(3)
    expected = hg.build_module(graph).state_dict()
    torch.manual_seed(3)
    weights = with_weights(Model(graph)).weights
    assert weights is not None
    assert list(weights) == list(expected)
    assert all(np.array_equal(weights[key], value) for key, value in expected.items())


NO_TORCH = """
import sys
sys.modules["torch"] = None
import numpy as np
import hrnet_graph as hg
from hrnet_graph import plug_ins
run = hg.load_engine("net.onnx", sys.argv[1])
result = run(np.load("x.npy"))
np.save("y.npy", result)
"""


@pytest.mark.parametrize("target", ["onnxruntime", "openvino"])
def test_a_file_runs_without_torch(target: str, tmp_path: Path) -> None:
    engine(target)
    model, x = module(0), image(1, 3, 64, 64)
    hg.save(model, tmp_path / "net.onnx")
    np.save(tmp_path / "x.npy", x.numpy())
    subprocess.run([sys.executable, "-c", NO_TORCH, target], cwd=tmp_path, check=True)
    with torch.no_grad():
        agree(torch.from_numpy(np.load(tmp_path / "y.npy")), model(x), "float32")


@pytest.mark.parametrize("target", ENGINES)
@pytest.mark.parametrize("short", [("f32", "float32"), ("bf16", "bfloat16"), ("f16", "float16")])
def test_short_names_of_precisions_are_taken(target: str, short: tuple[str, str]) -> None:
    row = rows.OWN[target]
    if short[1] in row.precisions:
        assert rows.check_precision(row, short[0]) == short[1]


def test_thread_counts_do_not_leak_between_engines() -> None:
    before = torch.get_num_threads()
    inside, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with threads(before + 1):
            inside.set()
            go_on.wait(5)

    def second() -> None:
        inside.wait(5)
        with threads(before + 2):
            pass

    workers = [threading.Thread(target=work) for work in (first, second)]
    for worker in workers:
        worker.start()
    inside.wait(5)
    workers[1].join(0.3)
    go_on.set()
    for worker in workers:
        worker.join()
    counts: list[int] = []
    look = threading.Thread(target=lambda: counts.append(torch.get_num_threads()))
    look.start()
    look.join()
    assert counts == [before]
    assert torch.get_num_threads() == before


class Loud(list[Array]):
    """Batches that say so when they are read."""

    def __iter__(self) -> Iterator[Array]:
        print("a batch")
        return super().__iter__()


def test_int8_leaves_settings_of_others_as_they_were(capsys: pytest.CaptureFixture[str]) -> None:
    for package in ("nncf", "onnxruntime", "openvino"):
        pytest.importorskip(package)
    import rich
    from nncf.common.logging import nncf_logger

    from hrnet_graph.engines import int8
    from hrnet_graph.engines.compile import to_portable

    model = with_weights(Model(hg.build_graph(SMALL)))
    portable = bytes(to_portable(model, rows.OWN["onnxruntime"]))
    nncf_logger.setLevel(logging.INFO)
    before = (nncf_logger.level, [it.level for it in nncf_logger.handlers], sys.stdout)
    int8.quantize(portable, Loud([image(1, 3, 64, 64).numpy()]))
    assert (nncf_logger.level, [it.level for it in nncf_logger.handlers], sys.stdout) == before
    assert not rich.get_console().quiet
    out = capsys.readouterr().out
    assert "a batch" in out
    assert "Statistics" not in out


def test_the_counter_of_others_keeps_its_level() -> None:
    pytest.importorskip("fvcore")
    from hrnet_graph.benchmark.verify import verify

    log = logging.getLogger("fvcore.nn.jit_analysis")
    before = log.level
    verify(hg.build_graph(SMALL))
    assert log.level == before
