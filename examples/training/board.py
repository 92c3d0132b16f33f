"""How far a training is."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class Board:
    """Progress on the terminal, and curves for TensorBoard where it is installed."""

    def __init__(self, folder: Path, step: int, speaks: bool) -> None:
        """Goes on from a step; of several processes, one `speaks`."""
        self.writer: Any = None
        self.speaks = speaks
        if speaks:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                print("no curves: pip install 'hrnet-graph[train]' for TensorBoard")
            else:  # what was drawn after the checkpoint is drawn anew
                self.writer = SummaryWriter(folder, purge_step=step + 1)

    def show(self, step: int, total: int, loss: float, lr: float, speed: float, parts: Any) -> None:
        by = ", ".join(f"{name} {float(part):.4f}" for name, part in parts.items())
        if self.speaks:
            said = f"step {step}/{total}  loss {loss:.4f}{by and f' ({by})'}"
            print(f"{said}  lr {lr:.2e}  {speed:.1f} images/s", flush=True)
        if self.writer is not None:
            self.writer.add_scalar("loss", loss, step)
            for name, part in parts.items():
                self.writer.add_scalar(f"loss of {name}", float(part), step)
            self.writer.add_scalar("learning rate", lr, step)

    def flush(self) -> None:
        """Brings the curves to disk."""
        if self.writer is not None:
            self.writer.flush()

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
