"""The packages that are installed besides, by the extra that brings them, and what needs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from traceback import walk_tb
from types import FrameType

from hrnet_graph.errors import HRNetGraphError, error_line

IMAGES = ("numpy", "PIL")
"""What reads images and makes arrays of them."""

_TORCH = ("torch", "safetensors", *IMAGES)

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "torch": _TORCH,
    "detection": ("torchvision", *_TORCH),
    "edit": ("watchfiles", "websockets"),
    "int8": ("nncf", "onnx", "onnxruntime", *_TORCH),
    "onnx": ("onnx", *_TORCH),
    "onnxruntime": ("onnxruntime", "onnx"),
    "openvino": ("openvino", "onnx"),
    "ncnn": ("ncnn", *_TORCH),
    "lsp": ("pygls",),
    "plot": ("matplotlib",),
    "search": ("optuna",),
    "train": ("tensorboard", *_TORCH),
}
"""Extra -> the packages without which nothing that needs it runs, what it is named for first."""


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


def require(extra: str, what: str, packages: Iterable[str] = ()) -> None:
    """Raises `HRNetGraphError` if a package of an extra, which `what` needs, is not installed.

    All of its packages are needed, or some alone. A file that imports one of them calls this first,
    or the package that the file is in does: so nobody meets an `ImportError`.
    """
    lacking = missing(packages or EXTRAS[extra])
    if "torch" in lacking:  # what comes with it is not worth naming
        lacking = tuple(each for each in lacking if each not in _TORCH[1:])
    if lacking:
        names = ("pillow" if each == "PIL" else each for each in lacking)
        raise HRNetGraphError(f"{what} needs {' and '.join(names)}", install(extra))


@contextmanager
def loading() -> Iterator[None]:
    """Says in one sentence that a package which is installed cannot be imported, or is too old.

    Raises `HRNetGraphError` for that, and lets every other error pass.
    """
    try:
        yield
    except HRNetGraphError:
        raise
    except Exception as error:
        package = _at_fault(error)
        if not package:
            raise
        problem = f"{type(error).__name__}: {error_line(error)}"
        raise HRNetGraphError(
            f"{package} is installed and does not load: {problem}",
            f"pip install --upgrade --force-reinstall {package}",
        ) from error


def _at_fault(error: Exception) -> str:
    """The package that one of our files failed to import, or nothing if that was not the error."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    ours = max((i for i, frame in enumerate(frames) if _package(frame) == _OURS), default=-1)
    theirs = [frame for frame in frames[ours + 1 :] if not _package(frame).endswith("importlib")]
    if theirs:
        return next((_package(frame) for frame in theirs if frame.f_code.co_name == _BODY), "")
    if ours < 0 or not (isinstance(error, ImportError) or frames[ours].f_code.co_name == _BODY):
        return ""
    said = getattr(getattr(error, "obj", None), "__name__", None) or getattr(error, "name", None)
    name = str(said or "").partition(".")[0]
    return "" if name == _OURS else name


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


_OURS, _BODY = __name__.partition(".")[0], "<module>"
