"""What an engine is: what it computes in, what it needs, and the file that runs networks on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias, cast

from hrnet_graph.checks import checked_int
from hrnet_graph.choices import PASS_TARGETS, WAITINGS, PassTarget, Waiting
from hrnet_graph.errors import HRNetGraphError, did_you_mean, error_line, quoted
from hrnet_graph.extras import EXTRAS, install, missing, require
from hrnet_graph.plug_ins import REMEDY, load, offered
from hrnet_graph.precision import PRECISIONS, Precision, read_precision

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from hrnet_graph.compiler.model import Model
    from hrnet_graph.compiler.ncnn.model import NcnnModel
    from hrnet_graph.compiler.onnx.wire import OnnxModel
    from hrnet_graph.engines.plan import PrecisionPlan

Array: TypeAlias = "np.ndarray[Any, Any]"
Images: TypeAlias = "Tensor | Array"
"""A batch of images or of results, on either side of an engine."""

Run: TypeAlias = "Callable[[Images], Sequence[Images]]"
"""Runs a batch, (N, C, H, W) in float32; answers the outputs, in order, in float32."""

AUTO = "auto"
"""The target that stands for the best engine."""

WAIT_VARIABLE = "OMP_WAIT_POLICY"
"""What decides how OpenMP's threads wait, those of torch and ncnn, when they are loaded."""

MAX_THREADS = 1024
"""More than a machine has: every engine starts as many as it is told to."""

MOST = 1024
"""More images at once, or busy processes beside, are not asked of a machine."""


@dataclass(frozen=True)
class EngineOptions:
    """How an engine is to run a network.

    It is made ready for images of `input_size`. `threads`, and how they wait, is the engine's own
    choice where None. `device` is where torch's engines run. In int8, `max_difference` is how far
    from float32's, over their largest value, the results may be, if that is stated.
    """

    precision: Precision
    input_size: tuple[int, int]
    threads: int | None = None
    device: str = "cpu"
    waiting: Waiting | None = None
    max_difference: float | None = None


class ModelEngine(Protocol):
    """The file of an engine that reads models: graph and weights."""

    def start(self, model: Model, options: EngineOptions) -> Run:
        """The network, ready to run. Raises `HRNetGraphError` if it cannot be."""
        ...

    def quantize(self, model: Model, options: EngineOptions, images: Iterable[Array]) -> Quantized:
        """The network in int8, of an engine that `calibrates`: ranges are those of the images."""
        ...


class OnnxEngine(Protocol):
    """The file of an engine that reads ONNX."""

    def open_model(self, source: OnnxModel | bytes | str, options: EngineOptions) -> Run:
        """An ONNX model of ours, ready to run: as a value, as bytes, or from the file of a path."""
        ...


class Quantized(NamedTuple):
    """A network in int8, the error of each layer over its size, and the file that it is.

    `plan` says which layers are in int8, where `max_difference` chose them.
    """

    run: Run
    errors: Mapping[str, float]
    file: NcnnModel
    plan: PrecisionPlan | None = None


@dataclass(frozen=True)
class Engine:
    """An engine: the module that runs it, what it computes in, and what that module reads.

    `packages` are those that it needs beside ours, which `remedy` installs. The passes are those
    that pay on `tuned_for`. One that reads models may make int8 of them by itself: it `calibrates`.
    How its threads wait is one of the `options`, a matter of the `process` as it started, or none.
    """

    name: str
    module: str
    precisions: tuple[Precision, ...]
    packages: tuple[str, ...] = ()
    reads: Literal["model", "onnx"] = "onnx"
    tuned_for: PassTarget = "openvino"
    extra: str = ""
    calibrates: bool = False
    waits: Literal["", "options", "process"] = ""

    def __post_init__(self) -> None:
        if self.reads not in ("model", "onnx"):
            raise ValueError(f"reads: expected 'model' or 'onnx', got {quoted(self.reads)}")
        if self.tuned_for not in PASS_TARGETS:
            known = did_you_mean(self.tuned_for, PASS_TARGETS)
            raise ValueError(f"tuned_for: unknown target {quoted(self.tuned_for)}{known}")
        if self.waits not in ("", "options", "process"):
            known = "'', 'options' or 'process'"
            raise ValueError(f"waits: expected {known}, got {quoted(self.waits)}")
        if isinstance(self.precisions, str) or not set(self.precisions) <= set(PRECISIONS):
            raise ValueError(f"precisions: expected some of {PRECISIONS}, got {self.precisions!r}")

    @property
    def missing(self) -> tuple[str, ...]:
        """Those of its packages that are not installed."""
        return missing(self.packages)

    @property
    def remedy(self) -> str:
        """The command that installs them."""
        return install(self.extra) if self.extra else f"pip install {' '.join(self.packages)}"

    def start(self, model: Model, options: EngineOptions) -> Run:
        """The engine, ready to run a model, for one that reads models."""
        with self._told():
            return cast(ModelEngine, import_module(self.module)).start(model, options)

    def quantize(self, model: Model, options: EngineOptions, images: Iterable[Array]) -> Quantized:
        """The engine, ready to run a model in int8, for one that calibrates."""
        with self._told():
            module = cast(ModelEngine, import_module(self.module))
            return module.quantize(model, options, images)

    def open(self, source: OnnxModel | bytes | str, options: EngineOptions) -> Run:
        """The engine, ready to run an ONNX model, for one that reads ONNX."""
        with self._told():
            return cast(OnnxEngine, import_module(self.module)).open_model(source, options)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Says in one sentence that another package's engine fails to start."""
        try:
            yield
        except Exception as error:
            if self.name in OWN or isinstance(error, HRNetGraphError):
                raise
            problem = f"{type(error).__name__}: {error_line(error)}"
            raise HRNetGraphError(
                f"the target {self.name} does not start: {problem}", REMEDY
            ) from error


_HERE = "hrnet_graph.engines"
_FLOATS: tuple[Precision, ...] = ("float32", "bfloat16", "float16")

OWN: Mapping[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine(
            "torch",
            f"{_HERE}.torch",
            _FLOATS,
            ("torch",),
            reads="model",
            extra="torch",
            waits="process",
        ),
        Engine(
            "torch-compile",
            f"{_HERE}.torch_compile",
            _FLOATS,
            ("torch",),
            reads="model",
            extra="torch",
            waits="process",
        ),
        Engine(
            "onnxruntime",
            f"{_HERE}.onnxruntime",
            ("float32", "int8"),
            EXTRAS["onnxruntime"],
            tuned_for="onnxruntime",
            extra="onnxruntime",
            waits="options",
        ),
        Engine(
            "openvino",
            f"{_HERE}.openvino",
            (*_FLOATS, "int8"),
            EXTRAS["openvino"],
            extra="openvino",
        ),
        Engine(
            "ncnn",
            f"{_HERE}.ncnn",
            (*_FLOATS, "int8"),
            EXTRAS["ncnn"],
            reads="model",
            tuned_for="ncnn",
            extra="ncnn",
            calibrates=True,
            waits="process",
        ),
    )
}
"""Name -> engine, from the one that is there with torch to the fastest."""


def engine_names() -> tuple[str, ...]:
    """The names of all engines, ours first, installed or not."""
    return tuple(dict.fromkeys((*OWN, *offered("engines"))))


def find_engine(name: str, beside: tuple[str, ...] = ()) -> Engine:
    """An engine by name. Raises `HRNetGraphError` if it is unknown, broken or not installed.

    `beside` is what else may be named where it is asked.
    """
    if not isinstance(name, str) or name not in engine_names():
        known = did_you_mean(name, (*engine_names(), *beside))
        raise HRNetGraphError(f"unknown target {quoted(name)}{known}")
    engine = OWN[name] if name in OWN else _load(name)
    if engine.missing:
        needs = " and ".join(engine.missing)
        raise HRNetGraphError(f"the target {engine.name} needs {needs}", engine.remedy)
    return engine


def _load(name: str) -> Engine:
    engine = load("engines", name, f"the target '{name}'", Engine)
    if engine.name != name:
        called = f"expected an Engine of that name, got {quoted(engine.name)}"
        raise HRNetGraphError(f"the target '{name}': {called}", REMEDY)
    return engine


def check_precision(engine: Engine, precision: object) -> Precision:
    """A precision that the engine has. Raises `HRNetGraphError`, with those that it has, if not."""
    known = read_precision(precision)
    if known not in engine.precisions:
        has = ", ".join(engine.precisions)
        raise HRNetGraphError(f"the target {engine.name} has no {known}, only {has}")
    if known == "int8" and not engine.calibrates:
        require("int8", "int8")
    return known


def choose_engine(
    target: str, precision: object, threads: int | None, waiting: object = None
) -> tuple[Engine, Precision, int | None, Waiting | None]:
    """An engine, a precision that it has, how many threads it may use, and how those wait.

    Raises `HRNetGraphError` if it is not there, has no such precision, or takes no such number.
    """
    engine = find_engine(target, (AUTO,))
    known = check_precision(engine, precision)
    if threads is not None:
        threads = checked_int("threads", threads, MAX_THREADS, "threads")
    return engine, known, threads, check_waiting(engine, waiting)


def process_waiting() -> Waiting | None:
    """How OpenMP's threads wait in this process, as far as its environment says."""
    stated = os.environ.get(WAIT_VARIABLE, "").strip().lower()
    return next((known for known in WAITINGS if known == stated), None)


def check_waiting(engine: Engine, waiting: object) -> Waiting | None:
    """How an engine's threads are to wait. Raises `HRNetGraphError` where it cannot be had."""
    if waiting is None:
        return None
    known = next((known for known in WAITINGS if known == waiting), None)
    if known is None:
        raise HRNetGraphError(f"unknown waiting {quoted(waiting)}{did_you_mean(waiting, WAITINGS)}")
    if not engine.waits:
        raise HRNetGraphError(f"the target {engine.name} has no choice of how its threads wait")
    if engine.waits == "process" and process_waiting() != known:
        raise HRNetGraphError(
            f"how threads of the target {engine.name} wait is settled before the process starts",
            f"start it with {WAIT_VARIABLE}={known} in its environment",
        )
    return known
