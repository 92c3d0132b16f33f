"""What was saved, opened again: a module, or a network on an engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, overload

from hrnet_graph.engines.compiled import Compiled
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.precision import PrecisionName

if TYPE_CHECKING:
    import torch

    from hrnet_graph.compiler.torch.inference import Optimization
    from hrnet_graph.compiler.torch.network import Network


@overload
def load(
    path: str | Path,
    *,
    device: torch.device | str | int | None = None,
    target: None = None,
    precision: PrecisionName = "float32",
    threads: int | None = None,
    optimize: Optimization | None = None,
) -> Network: ...


@overload
def load(
    path: str | Path,
    *,
    device: None = None,
    target: str,
    precision: PrecisionName = "float32",
    threads: int | None = None,
    optimize: None = None,
) -> Compiled: ...


def load(
    path: str | Path,
    *,
    device: torch.device | str | int | None = None,
    target: str | None = None,
    precision: PrecisionName = "float32",
    threads: int | None = None,
    optimize: Optimization | None = None,
) -> Network | Compiled:
    """What `save` or `build -o` wrote: a `Network`, or one that `target` runs, as `compile` gives.

    `device` and `optimize="inference"`, which gives the network as it runs fastest after training,
    are for modules; `target`, `precision` and `threads` as in `load_engine`, which also says what
    becomes of an `.onnx` file, whether a target is given or not.

    Raises `FileError` if the file is not one of ours or is damaged, `HRNetGraphError` for a target
    that cannot run it.

    Example:
        >>> hg.save(hg.build_module("hrnet_w18_small_v1_cls"), "net.pt")
        >>> hg.load("net.pt", optimize="inference")(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 1000])
    """
    on_engine = target is not None or Path(path).suffix.lower() == ".onnx"
    if on_engine and optimize is None and device is None:
        return load_engine(path, target, precision, threads=threads)
    from hrnet_graph.compiler.torch.build import load_network
    from hrnet_graph.compiler.torch.inference import check_optimization

    check_optimization(optimize)
    if on_engine:
        raise HRNetGraphError(
            "device and optimize are for modules, got them for an engine's network",
            "every engine optimizes by itself; leave them out",
        )
    if (precision, threads) != ("float32", None):
        raise HRNetGraphError("precision and threads are for engines", "give target as well")
    return load_network(path, device=device, optimize=optimize)


def load_engine(
    path: str | Path,
    target: str | None = None,
    precision: PrecisionName = "float32",
    *,
    threads: int | None = None,
) -> Compiled:
    """What `save` or `build -o` wrote, on an engine, as `compile` gives.

    An `.onnx` file is run by onnxruntime or openvino, whichever is there unless stated, in float32
    or what the target computes in without calibration. Raises as `load` does.

    Example:
        >>> hg.save(hg.build_module("hrnet_w18_small_v1_cls"), "net.pt")
        >>> hg.load_engine("net.pt", target="torch")(torch.zeros(1, 3, 224, 224)).shape
        torch.Size([1, 1000])
    """
    if Path(path).suffix.lower() == ".onnx":
        from hrnet_graph.engines.onnx_file import open_onnx

        return open_onnx(Path(path), target, precision, threads)
    from hrnet_graph.compiler.torch.build import load_model
    from hrnet_graph.engines.compile import compile  # noqa: A004 (the name that users know)
    from hrnet_graph.engines.engine import check_precision, check_threads, find_engine

    engine = find_engine(target or "torch")
    check_precision(engine, precision)
    check_threads(threads)
    return compile(load_model(path), engine.name, precision, threads=threads)
