r"""Trains any network of the catalogue, or of a spec of one's own, on a folder of images.

    python examples/train.py hrnet_w18_small_v1_cls                    # on shapes that it draws
    python examples/train.py hrnet_w18_small_v1_cls --data photos/     # see training/data.py
    torchrun --nproc-per-node 8 examples/train.py hrnetv2_w48_seg_cityscapes --data city/ \
        --parallel fsdp --bf16 --checkpoint-activations module --set norm.kind=sync_batch

Stopped at any moment, even by SIGKILL, the same command goes on from the last checkpoint, to the
same weights; with more --epochs a finished one, too. `tensorboard --logdir runs` shows the loss;
`hrnet-graph predict`, `hrnet_graph.load` and `hrnet_graph.detection.load` open OUTPUT/model.pt.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any, cast

try:
    import torch
except ModuleNotFoundError:
    sys.exit("training needs torch\n  pip install 'hrnet-graph[torch]'")
from torch import distributed, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_state_dict,
    set_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel
from torch.utils._pytree import tree_map
from torch.utils.data import DataLoader
from training.board import Board
from training.data import Folder, Rest, batches, collate
from training.losses import Trainee, expect_trainable
from training.options import above, change
from training.several import Folders, data_of
from training.shapes import make

import hrnet_graph as hg

WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)
"""One state, whoever holds which part of it: it fits any number of processes."""

ANEW = "state another --output, or delete it to begin anew"


def main() -> None:
    """Trains, and writes the network."""
    options = arguments()
    torch.manual_seed(options.seed)
    device = join()
    try:
        train(options, device)
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()


def arguments() -> argparse.Namespace:
    """What the user asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("spec", help="a catalogue name or a YAML path")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--data", type=Path, help="a folder; shapes are drawn where unstated")
    parser.add_argument("--output", type=Path, help="runs/NAME where unstated")
    parser.add_argument("--weights", type=Path, help="a checkpoint of any dialect to start from")
    parser.add_argument("--partial", action="store_true", help="take what fits of the weights")
    parser.add_argument("--epochs", type=above(0), default=10)
    parser.add_argument("--batch", type=above(0), default=8, help="images a process and step")
    parser.add_argument("--lr", type=above(0, float), default=1e-3)
    parser.add_argument("--seed", type=above(-1, below=2**63), default=0)
    workers = above(-1, below=257)
    parser.add_argument("--workers", type=workers, default=0, help="processes that read")
    parser.add_argument("--save-every", type=above(0), default=100, metavar="STEPS")
    parser.add_argument("--parallel", choices=("ddp", "fsdp"), help="under torchrun; ddp unstated")
    parser.add_argument("--bf16", action="store_true", help="bfloat16, by autocast")
    parser.add_argument("--checkpoint-activations", choices=("module", "block", "elementwise"))
    options = parser.parse_args()
    if options.partial and options.weights is None:
        raise hg.HRNetGraphError("--partial changes nothing without weights", "give --weights FILE")
    if options.parallel and "RANK" not in os.environ:
        what = "--parallel changes nothing for one process alone"
        raise hg.HRNetGraphError(what, "start it with torchrun --nproc-per-node N")
    return options


def join() -> torch.device:
    """The device of this process; under torchrun, the process joins the others."""
    here = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", here) if torch.cuda.is_available() else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if "RANK" in os.environ:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return device


def train(options: argparse.Namespace, device: torch.device) -> None:
    """All epochs, from the last checkpoint on."""
    data, spec, output = prepare(options)
    fresh = not (output / "last.pt").exists()
    weights, partial = options.weights if fresh else None, options.partial or not fresh
    unit = options.checkpoint_activations
    trainee = Trainee(spec, data, weights, partial, checkpoint_activations=unit).to(device)
    if fresh and trainee.report is not None and rank() == 0:
        print(trainee.report, flush=True)
    model = distribute(trainee, options.parallel or "ddp", device)
    sampler = Rest(data, processes(), rank(), seed=options.seed, drop_last=True)
    loader = DataLoader(
        data,
        options.batch,
        sampler=sampler,
        num_workers=options.workers,
        collate_fn=collate,
        drop_last=True,
        generator=torch.Generator(),  # or it would draw from the network's random numbers
    )
    total = options.epochs * len(loader)
    if not total:
        raise hg.HRNetGraphError(f"{len(data)} images make no batch of {options.batch} a process")
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.lr)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate(step, total))
    same = identity(options, spec, len(data))
    state = State(output / "last.pt", same, model, optimiser, schedule)
    step = state.resume()
    board = Board(output, step, speaks=rank() == 0)
    model.train()
    while step < total:
        data.epoch, done = divmod(step, len(loader))
        sampler.set_epoch(data.epoch)
        sampler.done = done * options.batch
        start = time.perf_counter()
        for images, target in batches(loader):
            with torch.autocast(device.type, torch.bfloat16, enabled=options.bf16):
                loss = model(moved(images, device), moved(target, device))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            step += 1
            speed = processes() * options.batch / (time.perf_counter() - start)
            lr = float(schedule.get_last_lr()[0])
            board.show(step, total, float(loss.detach()), lr, speed, trainee.parts)
            start = time.perf_counter()
            if step % options.save_every == 0 or step == total:
                board.flush()
                state.save(step)
    finish(model, spec, data, output)
    board.close()


def prepare(options: argparse.Namespace) -> tuple[Folder | Folders, hg.Spec, Path]:
    """The data, the spec with as many outputs as the data have, and the folder to write to."""
    spec = hg.load_spec(options.spec, dict(change(text) for text in options.set))
    expect_trainable(spec)
    output = options.output or Path("runs") / spec.file_name
    folder = options.data or output / "shapes"
    ready = [False]
    try:
        if rank() == 0:
            output.mkdir(parents=True, exist_ok=True)
            if options.data is None and not folder.exists():
                heads = [*spec.head.inner.values()] or [spec.head]
                make(folder, [head.kind for head in heads], max(map(points_of, heads)))
        ready = [True]
    except OSError as error:
        raise hg.FileError(f"cannot write to {str(output)!r}: {error}") from None
    finally:
        if distributed.is_initialized():
            distributed.broadcast_object_list(ready)  # or the others would wait for ever
    if not ready[0]:
        raise hg.HRNetGraphError("the first process could not make the folder to write to")
    data = data_of(folder, spec, options.seed)
    return data, data.prepare(spec), output


def points_of(head: Any) -> int:
    """How many points a head learns."""
    return int(head.options.get("joints", head.options.get("points", 0)))


def distribute(trainee: Trainee, how: str, device: torch.device) -> nn.Module:
    """The trainee as all processes train it together."""
    if not distributed.is_initialized():
        return trainee
    if how == "ddp":
        shared = any(isinstance(part, nn.SyncBatchNorm) for part in trainee.modules())
        if shared and device.type == "cpu":
            raise hg.HRNetGraphError("DDP takes no sync_batch norm on CPUs", "use --parallel fsdp")
        return DistributedDataParallel(trainee, [device] if device.type == "cuda" else None)
    mesh = init_device_mesh(device.type, (processes(),))
    network = network_of(trainee)
    for scope in network.graph.scopes:
        if scope.kind == "module":
            part = network.get_submodule(scope.path)
            if type(part).forward is not nn.Module.forward:  # some hold parts and are never called
                fully_shard(part, mesh=mesh)
    return cast(nn.Module, fully_shard(trainee, mesh=mesh))


def network_of(trainee: nn.Module) -> hg.Network:
    """The compiled network, inside of a detector too."""
    return next(part for part in trainee.modules() if isinstance(part, hg.Network))


def rate(step: int, total: int) -> float:
    """The learning rate's factor: up in the first twentieth, then down along a cosine."""
    warm = max(1, total // 20)
    return min((step + 1) / warm, 0.5 * (1 + math.cos(math.pi * step / total)))


def moved(target: Any, device: torch.device) -> Any:
    """Tensors, in lists and dicts too, on the device."""
    return tree_map(lambda value: value.to(device, non_blocking=True), target)


class State:
    """Everything that the next step depends on, in one file that is written whole or not at all."""

    def __init__(
        self,
        path: Path,
        identity: dict[str, Any],
        model: nn.Module,
        optimiser: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LambdaLR,
    ) -> None:
        self.path, self.identity = path, identity
        self.model, self.optimiser, self.schedule = model, optimiser, schedule

    def save(self, step: int) -> None:
        model, optimiser = get_state_dict(self.model, self.optimiser, options=WHOLE)
        chance = [torch.get_rng_state()]
        if torch.cuda.is_available():
            chance.append(torch.cuda.get_rng_state())
        everyone: list[Any] = [chance]
        if distributed.is_initialized():
            everyone = [None] * processes()
            distributed.all_gather_object(everyone, chance)
        if rank() == 0:
            content = {"model": model, "optimiser": optimiser, "step": step, "chance": everyone}
            content |= {"schedule": self.schedule.state_dict(), "identity": self.identity}
            draft = self.path.with_suffix(".draft")
            try:
                torch.save(content, draft)
                draft.replace(self.path)
            except (OSError, RuntimeError) as error:  # torch's own where a disk is full
                raise hg.FileError(f"cannot write {str(self.path)!r}: {error}") from None

    def resume(self) -> int:
        """The step to go on from; 0 where there is no checkpoint."""
        if not self.path.exists():
            return 0
        try:
            saved: Any = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception:  # whatever torch says of a file that is cut off or of another kind
            raise hg.FileError(f"{str(self.path)!r} is damaged or no checkpoint", ANEW) from None
        parts = {"model", "optimiser", "step", "chance", "schedule", "identity"}
        if not isinstance(saved, dict) or saved.keys() != parts:
            raise hg.FileError(f"{str(self.path)!r} is no checkpoint of a training", ANEW)
        for key, ours in self.identity.items():
            theirs = saved["identity"].get(key)
            longer = key == "--epochs" and isinstance(theirs, int) and theirs < ours
            if theirs != ours and not longer:
                got = "" if key == "spec" else f": {theirs}"
                where = f"{str(self.path)!r} is of a training with another {key}{got}"
                raise hg.HRNetGraphError(where, ANEW)
        set_state_dict(
            self.model,
            self.optimiser,
            model_state_dict=saved["model"],
            optim_state_dict=saved["optimiser"],
            options=WHOLE,
        )
        self.schedule.load_state_dict(saved["schedule"])
        for group, first in zip(self.optimiser.param_groups, self.schedule.base_lrs, strict=True):
            group["lr"] = first * self.schedule.lr_lambdas[0](saved["step"])  # of more epochs too
        cpu, *gpu = saved["chance"][rank()]
        torch.set_rng_state(cpu)
        for generator in gpu:
            torch.cuda.set_rng_state(generator)
        if rank() == 0:
            end = f"to the end of epoch {self.identity['--epochs']}"
            print(f"goes on from step {saved['step']} of {self.path} {end}", flush=True)
        return int(saved["step"])


def identity(options: argparse.Namespace, spec: hg.Spec, images: int) -> dict[str, Any]:
    """What must not change between a stop and going on."""
    same = ("epochs", "batch", "lr", "seed", "bf16")
    return {
        "spec": json.dumps(spec.dump(), sort_keys=True),
        "number of images": images,
        "number of processes": processes(),
        "--weights": options.weights and str(options.weights),
        **{f"--{key}": getattr(options, key) for key in same},
    }


def finish(model: nn.Module, spec: hg.Spec, data: Folder | Folders, output: Path) -> None:
    """Writes the network, or the whole detector, as `hrnet_graph.save` does."""
    state = get_model_state_dict(model, options=WHOLE)
    if rank() == 0:
        trainee = Trainee(spec, data, partial=True)
        trainee.load_state_dict(state)
        hg.save(trainee.network, output / "model.pt")
        print(f"wrote {output / 'model.pt'}")


def rank() -> int:
    """The number of this process; the first speaks and writes."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def processes() -> int:
    """How many train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


if __name__ == "__main__":
    try:
        main()
    except hg.HRNetGraphError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
