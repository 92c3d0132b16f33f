"""A compiler for high-resolution networks: one YAML spec gives module, counts and figure.

Importing the package imports neither torch nor networkx: a name is loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hrnet_graph.version import __version__

if TYPE_CHECKING:
    from hrnet_graph.analysis.cost import Report, analyze
    from hrnet_graph.artefacts import save
    from hrnet_graph.compiler.build import build_graph
    from hrnet_graph.compiler.checkpoints.load import load_weights
    from hrnet_graph.compiler.checkpoints.matching import LoadReport
    from hrnet_graph.compiler.torch.build import build_module
    from hrnet_graph.compiler.torch.cuda import cuda_graph
    from hrnet_graph.compiler.torch.network import Network
    from hrnet_graph.engines.compile import compile  # noqa: A004 (the name that users know)
    from hrnet_graph.engines.compiled import Compiled
    from hrnet_graph.engines.load import load, load_engine
    from hrnet_graph.errors import FileError, HRNetGraphError, InputError, SpecError
    from hrnet_graph.ir.graph import Graph
    from hrnet_graph.prediction.run import Prediction, predict
    from hrnet_graph.spec.catalogue import list_specs
    from hrnet_graph.spec.load import load_spec
    from hrnet_graph.spec.schema import Spec
    from hrnet_graph.viz.render import render

__all__ = [
    "Compiled",
    "FileError",
    "Graph",
    "HRNetGraphError",
    "InputError",
    "LoadReport",
    "Network",
    "Prediction",
    "Report",
    "Spec",
    "SpecError",
    "__version__",
    "analyze",
    "build_graph",
    "build_module",
    "compile",
    "cuda_graph",
    "list_specs",
    "load",
    "load_engine",
    "load_spec",
    "load_weights",
    "predict",
    "render",
    "save",
]

_HOMES = {
    "Compiled": "engines.compiled",
    "FileError": "errors",
    "Graph": "ir.graph",
    "LoadReport": "compiler.checkpoints.matching",
    "HRNetGraphError": "errors",
    "InputError": "errors",
    "Network": "compiler.torch.network",
    "Prediction": "prediction.run",
    "Report": "analysis.cost",
    "Spec": "spec.schema",
    "SpecError": "errors",
    "analyze": "analysis.cost",
    "build_graph": "compiler.build",
    "build_module": "compiler.torch.build",
    "compile": "engines.compile",
    "cuda_graph": "compiler.torch.cuda",
    "list_specs": "spec.catalogue",
    "load": "engines.load",
    "load_engine": "engines.load",
    "load_spec": "spec.load",
    "load_weights": "compiler.checkpoints.load",
    "predict": "prediction.run",
    "render": "viz.render",
    "save": "artefacts",
}
"""Public name -> the module that defines it."""


if not TYPE_CHECKING:  # or a checker would take any name for one of ours

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
