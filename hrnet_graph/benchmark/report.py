"""What a benchmark found, and where."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hrnet_graph.benchmark.measure import RANDOM, Row, Settings
from hrnet_graph.compiler.random_weights import random_in
from hrnet_graph.ir.types import times
from hrnet_graph.spec.schema import Spec

PACKAGES = ("hrnet-graph", "torch", "timm", "onnxruntime", "openvino", "nncf")


@dataclass(frozen=True)
class Benchmark:
    """A run: what was measured of every candidate, with what, and what could not be.

    missing: the targets that are not installed, with the commands that install them
    """

    spec: Spec
    settings: Settings
    measured: Sequence[Row]
    missing: Mapping[str, str]

    @property
    def title(self) -> str:
        """What ran and how."""
        threads = f", {self.settings.threads} threads" if self.settings.threads else ""
        size = times((self.settings.batch, *self.spec.input))
        return f"{self.spec.name} at {size}{threads}, {self.settings.runs} rounds"

    @property
    def weights(self) -> str:
        """Whose the weights are: of a file, or random, of all of them or of some in the file."""
        file = self.settings.weights_for(self.spec)
        if file is None:
            return str(RANDOM)
        random = random_in(file)
        return str(file) if random is None else f"{file}, {random.summary}"

    @property
    def failed(self) -> dict[str, str]:
        """The candidates that failed, and why."""
        return {row.name: row.error for row in self.measured if row.error}

    def rows(self) -> list[dict[str, Any]]:
        """The figures of every candidate, the single times apart."""
        rows = [row.as_dict(self.measured[0]) for row in self.measured]
        return [{name: row[name] for name in row if name != "seconds"} for row in rows]

    def as_dict(self) -> dict[str, Any]:
        """All of the run, and where it was, as plain data for JSON."""
        return {
            "name": self.spec.name,
            "input": self.spec.input,
            "batch": self.settings.batch,
            "threads": self.settings.threads,
            "weights": self.weights,
            "runs": self.settings.runs,
            "machine": {
                "processor": _processor(),
                "cores": os.cpu_count(),
                "system": platform.system(),
                "python": platform.python_version(),
            },
            "versions": _versions(),
            "candidates": [row.as_dict(self.measured[0]) for row in self.measured],
            "missing": [{"target": name, "install": how} for name, how in self.missing.items()],
        }


def _processor() -> str:
    """The processor's name, as Linux tells it, else as Python does."""
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
