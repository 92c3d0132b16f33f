"""From a spec or a graph to a network with weights."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from hrnet_graph.compiler.build import build_graph
from hrnet_graph.compiler.checkpoints.files import read_content
from hrnet_graph.compiler.checkpoints.load import fit, load_weights
from hrnet_graph.compiler.model import Model, graph_of_file
from hrnet_graph.compiler.passes.weights import Array
from hrnet_graph.compiler.torch.activation_checkpointing import Unit
from hrnet_graph.compiler.torch.dense import arrays
from hrnet_graph.compiler.torch.export import read_pt2
from hrnet_graph.compiler.torch.inference import (
    Optimization,
    check_optimization,
    optimize_for_inference,
    refuse_optimized,
)
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.errors import FileError, HRNetGraphError, error_line, quoted
from hrnet_graph.ir.graph import Graph, Initialisation
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.schema import Spec


def build_module(
    spec: str | Path | Mapping[str, object] | Spec | Graph,
    *,
    device: torch.device | str | int | None = None,
    weights: str | Path | None = None,
    features_only: bool = False,
    out_indices: Sequence[int] | None = None,
    optimize: Optimization | None = None,
    checkpoint_activations: Unit | None = None,
) -> Network:
    """A network as a `torch.nn.Module`, in training mode as torch's own layers are.

    `spec` is a spec, a catalogue name, a path or a graph. Weights start as published, from torch's
    random generator, or come from the file `weights`. `device` is torch's default device where
    unstated. `features_only` puts the last stage's maps in the place of the head,
    or those of `out_indices`, 0 the finest; `feature_info` of the network says what they are.
    `optimize="inference"` gives the network as it runs fastest after training.
    `checkpoint_activations` trades time for memory in training: each high-resolution module (or
    each block) keeps its inputs alone, and runs again in the backward pass.

    Raises `SpecError` for a wrong spec, `FileError` for weights that do not fit.

    Example:
        >>> model = hg.build_module("hrnet_w18_small_v1_cls", device="meta")
        >>> model.conv1.weight.shape
        torch.Size([64, 3, 3, 3])
    """
    check_optimization(optimize)
    if out_indices is not None and not features_only:
        raise HRNetGraphError("out_indices chooses among the maps of features_only=True")
    if not isinstance(spec, Graph):
        head = {
            "kind": "features",
            **({} if out_indices is None else {"out_indices": [*out_indices]}),
        }
        spec = build_graph(load_spec(load_spec(spec), {"head": head} if features_only else None))
    elif features_only:
        raise HRNetGraphError("features_only needs a spec, got a graph", "pass the graph's spec")
    target = find_device(device)
    network = empty_network(spec, target, checkpoint_activations)
    if weights is not None:
        load_weights(network, weights)
    elif target.type != "meta":
        initialise(network.state_dict(), spec)
    return optimize_for_inference(network) if optimize else network


def load_network(
    path: str | Path,
    *,
    device: torch.device | str | int | None = None,
    optimize: Optimization | None = None,
) -> Network:
    """The network that `save` wrote as a module's file, with its weights.

    Raises `FileError` if the file is not one of ours, is damaged, or its weights do not fit.
    """
    check_optimization(optimize)
    graph, weights = _open(path)
    network = empty_network(graph, find_device(device))
    network.load_state_dict(weights)
    return optimize_for_inference(network) if optimize else network


def load_model(path: str | Path) -> Model:
    """What `save` wrote as a module's file, without building the module; raises as that does."""
    graph, weights = _open(path)
    return Model(graph, _in_float32(weights))


def _open(path: str | Path) -> tuple[Graph, dict[str, Tensor]]:
    read = read_pt2 if Path(path).suffix.lower() == ".pt2" else read_content
    said, content = read(path)
    hint = "build the network from a spec and give the file as weights instead"
    graph = graph_of_file(said, path, hint)
    return graph, fit(graph, content, path)[1]


def model_of(network: Network) -> Model:
    """A network's graph and values, without torch. Raises `FileError` if it has none of its own."""
    check_values(network)
    return Model(network.graph, arrays(network.state_dict(), exact=False))


def network_of(model: Model) -> Network:
    """The module of a model: with its weights, or with random ones if none are given."""
    network = build_module(model.graph, device="cpu")
    if model.weights is not None:
        network.load_state_dict({key: torch.tensor(v) for key, v in model.weights.items()})
    return network


def with_weights(model: Model, weights: str | Path | None = None) -> Model:
    """A model whose weights are given: its own, those of a file, or random ones as published.

    Random ones are those that `build_module` starts with, from torch's random generator.
    """
    if weights is not None:
        values = fit(model.graph, read_content(weights)[1], weights)[1]
    elif model.weights is None:
        values = {
            key: torch.empty(entry.shape, device="cpu")
            for key, entry in model.graph.state().items()
        }
        initialise(values, model.graph)
    else:
        return model
    return Model(model.graph, _in_float32(values))


def _in_float32(state: Mapping[str, Tensor]) -> dict[str, Array]:
    return arrays({key: value.float() for key, value in state.items()}, exact=False)


def check_values(network: Network) -> None:
    """Raises `FileError` for a network whose values are folded into others, or that has none."""
    refuse_optimized(network, FileError)
    if any(value.is_meta for value in network.state_dict().values()):
        raise FileError(f"{network.graph.name} is on the meta device and has no values")


def find_device(device: torch.device | str | int | None) -> torch.device:
    """A device by name, torch's default one where unstated. Raises if torch knows none such."""
    if device is None:
        return torch.get_default_device()
    try:
        return torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise HRNetGraphError(f"no device {quoted(device)}: {error_line(error)}") from None


def empty_network(
    graph: Graph, device: torch.device, checkpoint_activations: Unit | None = None
) -> Network:
    """A network whose parameters and buffers are allocated and not yet filled.

    Raises `HRNetGraphError` if the device is not there or cannot hold them.
    """
    with torch.device("meta"):
        network = Network(graph, checkpoint_activations)
    if device.type == "meta":
        return network
    needed = sum(value.nbytes for value in network.state_dict().values())
    if device.type == "cpu" and needed > _memory():
        raise HRNetGraphError(
            f"{graph.name} needs {needed / 2**30:,.1f} GiB for its weights, more than there is"
        )
    try:
        return network.to_empty(device=device)
    except (RuntimeError, AssertionError) as error:
        raise HRNetGraphError(
            f"cannot build {graph.name} on {device}: {error_line(error)}"
        ) from None


def _memory() -> float:
    """The machine's memory in bytes, infinite where it cannot be told."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return float("inf")


@torch.no_grad()
def initialise(state: Mapping[str, Tensor], graph: Graph) -> None:
    """Fills every entry of a graph's `state_dict` in place, in registration order.

    Source: HRNet-Image-Classification, lib/models/cls_hrnet.py, `init_weights` (kaiming);
    deep-high-resolution-net.pytorch, lib/models/pose_hrnet.py, `init_weights` (normal).
    """
    for node in graph.operations:
        entries = node.op.state(graph.operands(node))
        drawn = {e.name: state[f"{node.key}.{e.name}"] for e in entries if e.start is None}
        for entry in entries:
            if entry.start is not None:
                state[f"{node.key}.{entry.name}"].fill_(entry.start)
        if drawn:
            in_head = node.path.startswith("@head.")
            published = graph.head_init if in_head else graph.init
            _draw(drawn, published if node.op.family == "conv" else Initialisation("default"))


def _draw(own: Mapping[str, Tensor], how: Initialisation) -> None:
    """Fills a weight, and a bias where there is one, of a convolution or a linear layer."""
    weight, bias = own["weight"], own.get("bias")
    if how.conv == "kaiming":
        nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu")
    elif how.conv == "lecun":
        nn.init.kaiming_normal_(weight, nonlinearity="linear")
    elif how.conv == "normal":
        nn.init.normal_(weight, std=how.std)
    else:
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is None:
        return
    if how.conv_bias == "zero":
        nn.init.zeros_(bias)
    else:
        fan_in = weight[0].numel()
        nn.init.uniform_(bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))
