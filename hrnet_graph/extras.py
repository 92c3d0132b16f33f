"""The packages that are installed besides, by the extra that brings them, and what needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.util import find_spec

from hrnet_graph.errors import HRNetGraphError

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "detection": ("torchvision",),
    "edit": ("watchfiles", "websockets"),
    "int8": ("nncf", "onnx", "onnxruntime"),
    "onnx": ("onnx",),
    "onnxruntime": ("onnx", "onnxruntime"),
    "openvino": ("onnx", "openvino"),
    "plot": ("matplotlib",),
    "search": ("optuna",),
    "train": ("tensorboard",),
}
"""Extra -> its packages."""


def missing(packages: Iterable[str]) -> tuple[str, ...]:
    """Those of some packages that are not installed; none of them is imported."""
    return tuple(package for package in packages if not _is_installed(package))


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # nor is the package that it would be in
        return False


def install(extra: str) -> str:
    """The command that installs an extra."""
    return f"pip install 'hrnet-graph[{extra}]'"


def require(extra: str, what: str) -> None:
    """Raises `HRNetGraphError` if a package of an extra, which `what` needs, is not installed."""
    if lacking := missing(EXTRAS[extra]):
        raise HRNetGraphError(f"{what} needs {' and '.join(lacking)}", install(extra))
