"""A compiler for high-resolution networks: one YAML spec gives module, counts and figure.

Importing the package imports neither torch nor networkx: a name is loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hrnet_graph.version import __version__ as __version__

if TYPE_CHECKING:
    from hrnet_graph.analysis.cost import Report as Report
    from hrnet_graph.analysis.cost import analyze as analyze
    from hrnet_graph.analysis.features import FeatureInfo as FeatureInfo
    from hrnet_graph.artefacts import save as save
    from hrnet_graph.compiler.build import build_graph as build_graph
    from hrnet_graph.compiler.check import Check as Check
    from hrnet_graph.compiler.check import check as check
    from hrnet_graph.compiler.checkpoints.load import load_weights as load_weights
    from hrnet_graph.compiler.torch.build import build_module as build_module
    from hrnet_graph.compiler.torch.cuda import cuda_graph as cuda_graph
    from hrnet_graph.compiler.torch.freeze import freeze as freeze
    from hrnet_graph.compiler.torch.network import Network as Network
    from hrnet_graph.compiler.torch.regions import compile_blocks as compile_blocks
    from hrnet_graph.compiler.weights.matching import LoadReport as LoadReport
    from hrnet_graph.engines.compile import compile as compile  # noqa: A004 (the name that users know)
    from hrnet_graph.engines.compiled import Compiled as Compiled
    from hrnet_graph.engines.load import load as load
    from hrnet_graph.engines.load import load_engine as load_engine
    from hrnet_graph.errors import FileError as FileError
    from hrnet_graph.errors import HRNetGraphError as HRNetGraphError
    from hrnet_graph.errors import InputError as InputError
    from hrnet_graph.errors import SpecError as SpecError
    from hrnet_graph.images import Preprocessor as Preprocessor
    from hrnet_graph.ir.graph import Graph as Graph
    from hrnet_graph.prediction.run import Prediction as Prediction
    from hrnet_graph.prediction.run import predict as predict
    from hrnet_graph.spec.catalogue import list_specs as list_specs
    from hrnet_graph.spec.catalogue import list_variants as list_variants
    from hrnet_graph.spec.load import load_spec as load_spec
    from hrnet_graph.spec.schema import Spec as Spec
    from hrnet_graph.viz.render import render as render

_NAMES = {
    "analysis.cost": ("Report", "analyze"),
    "analysis.features": ("FeatureInfo",),
    "artefacts": ("save",),
    "compiler.build": ("build_graph",),
    "compiler.check": ("Check", "check"),
    "compiler.checkpoints.load": ("load_weights",),
    "compiler.weights.matching": ("LoadReport",),
    "compiler.torch.build": ("build_module",),
    "compiler.torch.cuda": ("cuda_graph",),
    "compiler.torch.freeze": ("freeze",),
    "compiler.torch.network": ("Network",),
    "compiler.torch.regions": ("compile_blocks",),
    "engines.compile": ("compile",),
    "engines.compiled": ("Compiled",),
    "engines.load": ("load", "load_engine"),
    "errors": ("FileError", "HRNetGraphError", "InputError", "SpecError"),
    "images": ("Preprocessor",),
    "ir.graph": ("Graph",),
    "prediction.run": ("Prediction", "predict"),
    "spec.catalogue": ("list_specs", "list_variants"),
    "spec.load": ("load_spec",),
    "spec.schema": ("Spec",),
    "viz.render": ("render",),
}
"""Module -> its public names."""

_HOMES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = sorted((*_HOMES, "__version__"))

if not TYPE_CHECKING:  # or a checker would take any name for one of ours

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from hrnet_graph.extras import loading

        with loading():
            value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
