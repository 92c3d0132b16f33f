"""Two processes that train together over gloo."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from torch.multiprocessing.spawn import spawn


def in_two_processes(work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What `work(*arguments)` returns in each of two processes of one gloo group."""
    with tempfile.TemporaryDirectory() as folder:
        spawn(_join, (folder, work, arguments), nprocs=2)
        return [torch.load(Path(folder) / str(rank)) for rank in range(2)]


def _join(rank: int, folder: str, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    meeting = (Path(folder) / "meeting").as_uri()
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    try:
        torch.save(work(*arguments), Path(folder) / str(rank))
    finally:
        distributed.destroy_process_group()
