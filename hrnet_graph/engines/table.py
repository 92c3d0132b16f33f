"""What a network can be compiled for, and what each target needs. Imports no engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, get_args

from hrnet_graph.checks import checked_int
from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted

if TYPE_CHECKING:
    from hrnet_graph.compiler.torch.network import Network
    from hrnet_graph.engines.compiled import Engine, EngineOptions, StartedEngine

Precision = Literal["f32", "bf16", "f16", "int8"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

MAX_THREADS = 1024
"""More than a machine has: every engine starts as many as it is told to."""


@dataclass(frozen=True)
class Target:
    """An engine: the file that runs it, and what it computes in.

    `packages` are those that it needs beside ours, which the extra of its name installs.
    """

    name: str
    module: str
    precisions: tuple[Precision, ...]
    packages: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Those of its packages that are not installed."""
        return _missing(self.packages)

    @property
    def remedy(self) -> str:
        """The command that installs them."""
        return _install(self.name)

    def start(self, network: Network, order: EngineOptions) -> StartedEngine:
        """The engine, ready to run a network."""
        started: StartedEngine = import_module(self.module).start(network, order)
        return started

    def open(self, path: str, order: EngineOptions) -> Engine:
        """The engine, ready to run an ONNX file of ours."""
        engine: Engine = import_module(self.module).open_model(path, order)
        return engine


TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Target("torch", "hrnet_graph.engines.torch", ("f32", "bf16", "f16")),
        Target("torch-compile", "hrnet_graph.engines.torch_compile", ("f32", "bf16", "f16")),
        Target(
            "onnxruntime",
            "hrnet_graph.engines.onnxruntime",
            ("f32", "int8"),
            ("onnx", "onnxruntime"),
        ),
        Target("openvino", "hrnet_graph.engines.openvino", PRECISIONS, ("onnx", "openvino")),
    )
}
"""Name -> target, from the one that is always there to the fastest."""


def find_target(name: str) -> Target:
    """A target by name. Raises `HRNetGraphError` if it is unknown or its engine not installed."""
    target = TARGETS.get(name) if isinstance(name, str) else None
    if target is None:
        raise HRNetGraphError(f"unknown target {quoted(name)}{did_you_mean(name, tuple(TARGETS))}")
    if target.missing:
        needs = " and ".join(target.missing)
        raise HRNetGraphError(f"the target {target.name} needs {needs}", target.remedy)
    return target


def check_precision(target: Target, precision: str) -> Precision:
    """A precision that the target has. Raises `HRNetGraphError`, with those that it has, if not."""
    if precision not in PRECISIONS:
        raise HRNetGraphError(
            f"unknown precision {quoted(precision)}{did_you_mean(precision, PRECISIONS)}"
        )
    if precision not in target.precisions:
        has = ", ".join(target.precisions)
        raise HRNetGraphError(f"the target {target.name} has no {precision}, only {has}")
    if precision == "int8" and (needs := _missing(("nncf", "onnxruntime"))):
        raise HRNetGraphError(f"int8 needs {' and '.join(needs)}", _install("int8"))
    return precision


def check_threads(threads: int | None) -> int | None:
    """How many threads an engine may use. Raises `HRNetGraphError` if it is no such number."""
    return None if threads is None else checked_int("threads", threads, MAX_THREADS, "threads")


def _missing(packages: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(package for package in packages if find_spec(package) is None)


def _install(extra: str) -> str:
    return f"pip install 'hrnet-graph[{extra}]'"
