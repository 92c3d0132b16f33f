"""A process that runs one candidate: a job on its first line, then one order a line, as JSON.

It answers each with one line of facts, or an error. Nothing else reaches its output.
"""

from __future__ import annotations

import json
import os
import select
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

Job = dict[str, Any]

_STATUS = Path("/proc/self/status")
_FORGET = Path("/proc/self/clear_refs")


def main() -> None:
    """Serves one candidate until its input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the engines print is no answer
    if hasattr(os, "register_at_fork"):  # or it would seem to answer while they are there
        os.register_at_fork(after_in_child=answers.close)
    if hasattr(select, "poll"):
        threading.Thread(target=_wait, daemon=True).start()
    try:
        _serve(json.loads(sys.stdin.readline()), sys.stdin, answers)
    except Exception as error:
        if type(error).__module__.startswith("hrnet_graph."):
            _answer(answers, error=str(error).partition("\n")[0])
        else:  # some libraries begin with the place in their source
            _answer(answers, error=f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")


def _wait() -> None:
    """Ends the process once nobody can ask any more, whatever it is doing then."""
    line = select.poll()
    line.register(sys.stdin.fileno(), 0)  # that it was closed is told anyway
    line.poll()
    os._exit(0)


def _serve(job: Job, orders: IO[str], answers: IO[str]) -> None:
    start = time.perf_counter()
    network, run = _network(job)
    import torch

    shape = (job["batch"], *job["spec"]["input"])  # noise, the same for every candidate
    image = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    run(image)
    plan = None if job["peer"] else network.plan
    said = {} if plan is None else {"plan": str(plan)}
    _answer(answers, cold=time.perf_counter() - start, peak=peak_memory(), **said)
    with suppress(OSError):  # where it cannot be done, the peak stays that from the start on
        _FORGET.write_text("5")
    for order in orders:
        if order.strip() == "run":
            start = time.perf_counter()
            run(image)
            _answer(answers, seconds=time.perf_counter() - start)
        else:
            _answer(answers, running=peak_memory())
            _answer(answers, saved=_save(job, network, run, image))


def peak_memory() -> int | None:
    """The most memory that was resident at once since the start, or since that was forgotten.

    In bytes; None where the system does not tell.
    """
    if _STATUS.exists():
        fields = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _answer(answers: IO[str], **facts: object) -> None:
    answers.write(json.dumps(facts) + "\n")
    answers.flush()


def _network(job: Job) -> tuple[Any, Callable[[Any], Any]]:
    """The candidate, and what runs it."""
    import torch

    if job["threads"] is not None:
        torch.set_num_threads(job["threads"])
    if not job["peer"]:
        from hrnet_graph.engines.compile import compile  # noqa: A004 (the name that users know)

        torch.manual_seed(job["seed"])
        options = {name: job[name] for name in ("weights", "threads", "waiting", "calibration")}
        if job["precision"] == "int8":
            options["max_difference"] = job["max_difference"]
        ours = compile(_source(job), job["target"], job["precision"], **options)
        return ours, ours
    theirs = _peer(job["peer"])

    def run(x: torch.Tensor) -> Any:
        with torch.inference_mode():
            return theirs(x)

    return theirs, run


def _source(job: Job) -> Any:
    """The spec of our network, or where it has no weights, a network with some to compare by."""
    if job["weights"] is not None:
        return job["spec"]
    from hrnet_graph.benchmark.drawn import drawn_model
    from hrnet_graph.compiler.build import build_graph

    return drawn_model(build_graph(job["spec"]), job["seed"])


def _peer(name: str) -> Any:
    """A network of somebody else's, ready for inference."""
    library, _, what = name.partition(":")
    if library == "timm":
        model = import_module("timm").create_model(what)
    else:
        model = getattr(import_module(library), what)()
    if not callable(model) or not hasattr(model, "eval"):
        raise TypeError(f"expected a torch module, got {type(model).__name__}")
    return model.eval()


def _save(job: Job, network: Any, run: Callable[[Any], Any], image: Any) -> bool:
    """Writes the outputs, if they are comparable: ours, and timm's once it has our weights."""
    import numpy as np

    from hrnet_graph.compiler.torch.build import build_module, network_of

    if job["peer"] and not job["peer"].startswith("timm:"):
        return False
    if job["peer"]:
        source, weights = _source(job), job["weights"]
        ours = network_of(source) if weights is None else build_module(source, weights=weights)
        network.load_state_dict(ours.state_dict())
    output = run(image)
    if isinstance(output, dict):
        output = list(output.values())
    outputs = output if isinstance(output, list) else [output]
    np.savez(job["outputs"], *(value.numpy() for value in outputs))
    return True
