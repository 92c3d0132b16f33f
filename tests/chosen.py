"""Choices of engines that were never measured, for tests."""

from __future__ import annotations

from typing import Any

from small import SMALL

import hrnet_graph as hg
from hrnet_graph.engines.choice import Choice, Question, Setting, Trial
from hrnet_graph.engines.question import Workload, ask

TORCH = Setting(target="torch", threads=2, by_environment=True)
PASSIVE = TORCH.model_copy(update={"waiting": "passive"})
ONE = TORCH.model_copy(update={"threads": 1})
OPENVINO = Setting(target="openvino", threads=2)
ONNX = Setting(target="onnxruntime", threads=2)
NCNN = Setting(target="ncnn", threads=2, by_environment=True)


def question_of(**changes: Any) -> Question:
    asked, _ = ask(hg.build_graph(SMALL), Workload(), ["torch"])
    targets = ("torch", "openvino", "onnxruntime", "ncnn")
    return asked.model_copy(update={"targets": targets, "threads": (2, 1), **changes})


def chosen(*paces: tuple[Setting, float], **changes: Any) -> Choice:
    trials = [
        Trial(setting=setting, seconds=(pace,) * 3, least=pace, difference=0.0)
        for setting, pace in paces
    ]
    broken = Trial(setting=ONNX, error="differs from torch by 1.0e-01, and 1e-04 is the most")
    untried = {"other": "needs other: pip install other"}
    return Choice(question=question_of(**changes), trials=(*trials, broken), untried=untried)
