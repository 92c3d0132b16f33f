"""The network in what training, compiling and other libraries wrap around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from torch import Tensor, nn
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from hrnet_graph.compiler.checkpoints.unwrap import DETECTOR, expect_finite
from hrnet_graph.compiler.model import about
from hrnet_graph.compiler.random_weights import RandomWeights
from hrnet_graph.compiler.torch.detector import PyramidBackbone
from hrnet_graph.compiler.torch.drawn import random_among
from hrnet_graph.compiler.torch.inference import refuse_optimized
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.errors import FileError, HRNetGraphError, quoted
from hrnet_graph.ir.graph import Graph

Module: TypeAlias = nn.Module
"""A network or a detector, whatever is wrapped around it."""

WRAPPERS = (DataParallel, DistributedDataParallel, AveragedModel)


def unwrap(module: nn.Module) -> nn.Module:
    """Our network, or the detector that it is in, without what is around it.

    Raises `HRNetGraphError` for what holds none, several, or weights beside it.
    """
    if not isinstance(module, nn.Module):
        raise _foreign(module)
    if any(type(part).__name__ == "FullyShardedDataParallel" for part in module.modules()):
        raise _spread(type(module).__name__)
    while isinstance(module, WRAPPERS) or _child(module, "_orig_mod"):
        module = _child(module, "_orig_mod") or cast(nn.Module, module.module)
    if isinstance(module, Network) or _is_detector(module):
        return module
    found = [part for part in module.modules() if isinstance(part, Network)]
    if not found:
        raise _foreign(module)
    ours = {id(value) for part in found for value in part.state_dict(keep_vars=True).values()}
    beside = [k for k, v in module.state_dict(keep_vars=True).items() if id(v) not in ours]
    if len(found) > 1 or beside:
        what = f"weights beside its network, as {beside[0]}" if beside else "several networks"
        raise HRNetGraphError(
            f"{quoted(type(module).__name__)} has {what}, for which no file of ours has a place",
            "give its network alone; or keep all of it by torch.save(x.state_dict(), 'all.pth')",
        )
    return found[0]


def _foreign(thing: object) -> HRNetGraphError:
    got = quoted(type(thing).__name__)
    return HRNetGraphError(f"expected a network of ours, got {got}", "give what build_module made")


def _is_detector(module: nn.Module) -> bool:
    return isinstance(_child(module, "backbone"), PyramidBackbone)


def _child(module: nn.Module, name: str) -> nn.Module | None:
    return dict(module.named_children()).get(name)


def as_network(module: nn.Module) -> Network:
    """Our network, without what is around it. Raises `HRNetGraphError` if it is in a detector."""
    inner = unwrap(module)
    if not isinstance(inner, Network):
        raise HRNetGraphError(
            f"{type(inner).__name__} is a whole detector, and such a file is of one network",
            "save it as .pt or .safetensors; or save its pyramid, x.backbone.network",
        )
    return inner


def contents(module: nn.Module) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The weights of a network or a whole detector, and what a file of them says of itself.

    Raises `FileError` for weights that could not be loaded again.
    """
    module = unwrap(module)
    if isinstance(module, Network):
        return own_state(module), about(module.graph, random_weights(module))
    backbone = cast(PyramidBackbone, module.backbone)
    own_state(backbone.network)
    said = about(backbone.network.graph, random_weights(module))
    state = module.state_dict()
    expect_finite(state, type(module).__name__, _FROM_BEFORE)
    return state, {**said, "detector": _recipe(backbone, type(module).__name__)}


def random_weights(module: nn.Module) -> RandomWeights | None:
    """Which weights of a network, or of a detector on it, are random, if any is known to be."""
    module = unwrap(module)
    if isinstance(module, Network):
        return random_among(module.state_dict(), module.drawn)
    backbone = cast(PyramidBackbone, module.backbone)
    drawn = backbone.network.drawn.behind(DETECTOR).and_also(backbone.heads)
    return random_among(module.state_dict(), drawn)


def _recipe(backbone: PyramidBackbone, name: str) -> str:
    recipe = backbone.recipe
    if recipe is None or recipe.unwritable:
        why = "a function of hrnet_graph.detection did not make it"
        if recipe is not None:
            why = f"it was made with {', '.join(recipe.unwritable)}, and files hold numbers alone"
        raise FileError(
            f"{name} could not be loaded again: {why}",
            "keep its weights by torch.save(x.state_dict(), 'net.pth'), and make it as before",
        )
    return str(recipe)


def own_state(network: Network) -> dict[str, Tensor]:
    """A network's values under its keys.

    Raises `FileError` for a network whose values are folded into others, spread over processes, on
    no device, not finite, or not those of its spec.
    """
    state = held_state(network)
    expect_own_finite(network, state)
    return state


def expect_own_finite(network: Network, some: Mapping[str, Tensor]) -> None:
    """That some of a network's values are finite. Raises `FileError` for the first that is not."""
    expect_finite(some, network.graph.name, _FROM_BEFORE)


def held_state(network: Network) -> dict[str, Tensor]:
    """The same, whether its numbers are finite or not."""
    refuse_optimized(network, FileError)
    name, state = network.graph.name, network.state_dict()
    if difference := _difference(network.graph, state):
        raise FileError(
            f"{name} has other weights than its spec says: {difference}",
            "build it from a spec that says so, such as {head.classes: 10}, or undo what changed "
            "its layers (pruning, parametrization, quantization)",
        )
    if any(value.is_meta for value in state.values()):
        raise FileError(f"{name} is on the meta device and has no values")
    if any(hasattr(value, "full_tensor") for value in state.values()):
        raise _spread(name)
    return state


_FROM_BEFORE = "take weights from before, or look at these by torch.save"


def _spread(name: str) -> FileError:
    return FileError(
        f"{name} is spread over processes (FSDP)",
        "gather its weights by get_model_state_dict, as examples/train.py does, into "
        "build_module(spec), and save that",
    )


def _difference(graph: Graph, state: Mapping[str, Any]) -> str:
    """The first weight that is not as a graph says, and what is instead."""
    wanted = {key: entry.shape for key, entry in graph.state().items()}
    for key in [*wanted, *state]:
        value = state.get(key)
        got = tuple(value.shape) if isinstance(value, Tensor) else "none"
        if wanted.get(key, "none") != got:
            return f"{key}: expected {wanted.get(key, 'none')}, got {got}"
    return ""
