"""From a spec or a network to one that runs on an engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hrnet_graph.extras import loading, require

require("torch", "making an engine of a network")

import numpy as np
from torch import nn

from hrnet_graph.checks import checked_size
from hrnet_graph.choices import Waiting
from hrnet_graph.compiler.build import build_graph
from hrnet_graph.compiler.model import Model, about
from hrnet_graph.compiler.torch.build import model_of, with_weights
from hrnet_graph.compiler.torch.unwrap import as_network
from hrnet_graph.engines.auto import choose
from hrnet_graph.engines.calibration import Batches, read_batches
from hrnet_graph.engines.compiled import Compiled, LayerError
from hrnet_graph.engines.engine import AUTO, Engine, EngineOptions, Images, Run, choose_engine
from hrnet_graph.engines.plan import check_int8, checked_bound
from hrnet_graph.engines.planning import choose_layers
from hrnet_graph.engines.question import read_workload
from hrnet_graph.errors import HRNetGraphError, quoted
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.sizes import ImageCheck
from hrnet_graph.precision import PrecisionName
from hrnet_graph.spec.schema import MAX_EXTENT, Spec

if TYPE_CHECKING:
    from hrnet_graph.compiler.onnx.wire import OnnxModel


def compile(
    spec: str | Path | Mapping[str, object] | Spec | Graph | nn.Module | Model,
    target: str = "torch",
    precision: PrecisionName = "float32",
    *,
    weights: str | Path | None = None,
    threads: int | None = None,
    waiting: Waiting | None = None,
    input_size: tuple[int, int] | None = None,
    calibration: Iterable[Images] | str | Path | None = None,
    batch: int | None = None,
    beside: int | None = None,
    max_difference: float | None = None,
) -> Compiled:
    """A network that an engine runs, for inference, called as the module is.

    `spec` is what `build_module` takes, or a network, which stays as it is; one that torch.compile
    or a parallel trainer wrapped is unwrapped. `target` is torch, torch-compile, onnxruntime,
    openvino, ncnn, auto, or an engine of another package; `precision` float32, bfloat16, float16
    (in short f32, bf16, f16) or int8, of those that the target has. Weights start as those of
    `build_module`, or come from the file `weights`. `threads` is the engine's own choice where
    unstated. The engine is made ready for images of `input_size` (height, width), the
    spec's own where unstated, and readies itself for another size when it meets one. int8 alone is
    calibrated, on `calibration`: batches as the network takes them, or a folder of images. With
    `max_difference`, as 0.01, as many layers are in int8 as leave the results of these within that
    share of the largest value of torch's in float32, and the others stay in float32: `plan` of the
    result says which. How many is found by some ten trials, the network being made anew for each.

    `threads` wait for work "active" or "passive": onnxruntime takes either, torch and ncnn have
    what the variable OMP_WAIT_POLICY said when the process started.

    The target auto is the engine, with threads and waiting, that runs this network soonest on this
    machine, for batches of `batch` images (1) and `beside` so many busy processes (0): as kept from
    an earlier time, or measured now, in about two minutes. `choice` of the result says why.

    x: (N, C, H, W) -> what the module gives, on tensors or arrays, in float32

    Raises `SpecError` for a wrong spec, `FileError` for weights or images that cannot be used,
    `HRNetGraphError` for a target that is unknown or not installed or does not load, or lacks the
    precision, and for what the target or the precision would not read.

    Example:
        >>> engine = hg.compile("hrnet_w18_small_v1_cls", target="torch", input_size=(64, 64))
        >>> engine(torch.zeros(2, 3, 64, 64)).shape
        torch.Size([2, 1000])
    """
    choice = None
    bound = checked_bound(max_difference, precision)
    check_int8("calibration", calibration, precision)
    if target == AUTO:
        workload = read_workload(precision, batch, threads, beside, waiting)
    else:
        _refuse_unread(batch=batch, beside=beside)
        chosen = choose_engine(target, precision, threads, waiting)
    model, device = _model(spec, weights)
    size = model.graph.input.type.size if input_size is None else input_size
    size = checked_size("input_size", size, MAX_EXTENT)
    ImageCheck(model.graph)((1, model.graph.input.type.channels, *size))
    model = with_weights(model, weights)
    if target == AUTO:
        best, choice = choose(model.graph, size, device, workload)
        chosen = choose_engine(best.target, precision, best.threads, best.applied)
    engine, known, count, waits = chosen
    images: Batches = read_batches(model, calibration, size) if known == "int8" else ()
    options = EngineOptions(known, size, count, device, waits, bound)
    with loading():
        return replace(_start(engine, model, options, images), choice=choice)


def _refuse_unread(**stated: object) -> None:
    """Refuses what the target auto alone reads."""
    for name, value in stated.items():
        if value is not None:
            what = f"{name} is for the target {AUTO}, got {quoted(value)}"
            raise HRNetGraphError(what, "leave it out")


def _model(
    spec: str | Path | Mapping[str, object] | Spec | Graph | nn.Module | Model,
    weights: str | Path | None,
) -> tuple[Model, str]:
    """The model, its weights copied if they are a network's, and the device that it is on."""
    if isinstance(spec, Model):
        return spec, "cpu"
    if not isinstance(spec, nn.Module):
        return Model(spec if isinstance(spec, Graph) else build_graph(spec)), "cpu"
    if weights is not None:
        raise HRNetGraphError("weights need a spec, got a network", "load them into the network")
    network = as_network(spec)
    model = model_of(network)
    assert model.weights is not None
    values = {
        key: value.astype(np.float32 if value.dtype == np.float16 else value.dtype)
        for key, value in model.weights.items()
    }
    device = str(next(iter(network.state_dict().values())).device)
    return Model(model.graph, values, model.random), device


def _start(engine: Engine, model: Model, options: EngineOptions, images: Batches) -> Compiled:
    """The engine, ready to run, and of int8 what it costs and the file that it is."""
    make = partial(Compiled, model.graph, engine.name, options.precision, random=model.random)
    if options.precision == "int8" and engine.calibrates:
        run, costs, file, plan = engine.quantize(model, options, images)
        if options.max_difference is not None and plan is None:
            what = f"the target {engine.name} does not choose layers by max_difference"
            raise HRNetGraphError(what, "leave it out")
        errors = tuple(LayerError(*each) for each in costs.items())
        return make(run, errors, ncnn=file, plan=plan)
    if engine.reads == "model":
        return make(engine.start(model, options))
    portable = to_portable(model, engine)
    if options.precision != "int8":
        return make(engine.open(portable, options))
    return _in_int8(model, bytes(portable), engine, options, images)


def _in_int8(
    model: Model, plain: bytes, engine: Engine, options: EngineOptions, images: Batches
) -> Compiled:
    """The engine that reads an ONNX model in int8, all of it or the layers that are to be."""
    from hrnet_graph.engines import int8, mixed

    with int8.one_message():
        said = about(model.graph, model.random) if model.graph.spec is not None else {}
        whole = int8.quantize(plain, images, said)
        layers = mixed.quantized_layers(whole)

        def make(chosen: AbstractSet[str]) -> tuple[Run, bytes]:
            source = whole if len(chosen) == len(layers) else mixed.keep(plain, whole, chosen)
            return engine.open(source, options), source

        run, file, plan = choose_layers(model, engine.tuned_for, options, images, layers, make)
        errors = int8.layer_errors(plain, file, images, lambda each: engine.open(each, options))
    return Compiled(
        model.graph, engine.name, "int8", run, errors, random=model.random, onnx=file, plan=plan
    )


def to_portable(model: Model, engine: Engine) -> OnnxModel:
    """A model, its weights given, as ONNX in memory, with the passes that pay on an engine.

    Raises `HRNetGraphError` for one that is too large.
    """
    from hrnet_graph.compiler.onnx.model import to_onnx
    from hrnet_graph.compiler.onnx.wire import MAX_BYTES

    optimized = model.optimized(engine.tuned_for)
    assert optimized.weights is not None
    written = to_onnx(optimized.graph, optimized.weights)
    if written.weight_bytes > MAX_BYTES:
        size = written.weight_bytes / 2**30
        raise HRNetGraphError(
            f"{model.graph.name} has {size:.1f} GiB of weights, and {engine.name} takes 2 GiB"
        )
    return written
