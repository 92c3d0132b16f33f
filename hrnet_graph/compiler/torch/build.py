"""From a spec or a graph to a network with weights."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hrnet_graph.compiler.build import build_graph
from hrnet_graph.compiler.checkpoints.files import read_content
from hrnet_graph.compiler.checkpoints.load import fit, load_weights, misfit
from hrnet_graph.compiler.model import Model, told_of_file, weights_of
from hrnet_graph.compiler.passes.weights import Array
from hrnet_graph.compiler.torch.activation_checkpointing import Unit
from hrnet_graph.compiler.torch.dense import arrays
from hrnet_graph.compiler.torch.drawn import Drawn, random_among, remembered, seed_of_next
from hrnet_graph.compiler.torch.inference import (
    Optimization,
    check_optimization,
    optimize_for_inference,
)
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.compiler.torch.unwrap import own_state
from hrnet_graph.compiler.weights.dialects import BACKBONE
from hrnet_graph.compiler.weights.matching import LoadReport
from hrnet_graph.errors import FileError, HRNetGraphError, error_line, quoted
from hrnet_graph.ir.graph import Graph, Initialisation
from hrnet_graph.spec.load import held_spec, load_spec
from hrnet_graph.spec.schema import Spec
from hrnet_graph.spec.weights_file import read_about


def build_module(
    spec: str | Path | Mapping[str, object] | Spec | Graph,
    *,
    device: torch.device | str | int | None = None,
    weights: str | Path | None = None,
    partial: bool = False,
    features_only: bool = False,
    out_indices: Sequence[int] | None = None,
    optimize: Optimization | None = None,
    checkpoint_activations: Unit | None = None,
) -> Network:
    """A network as a `torch.nn.Module`, in training mode as torch's own layers are.

    `spec` is a spec, a catalogue name, a path or a graph. Weights come from the file `weights`, or
    from the file that holds the spec; else they start as published, from torch's random generator.
    `partial` takes what fits of a file, and the rest at random. `device` is torch's default device
    where unstated. `features_only` puts the last stage's maps in the place of the head, or those of
    `out_indices`, 0 the finest; `feature_info` of the network says what they are.
    `optimize="inference"` gives the network as it runs fastest after training.
    `checkpoint_activations` trades time for memory in training: each high-resolution module (or
    each block) keeps its inputs alone, and runs again in the backward pass; `"elementwise"` runs
    norms, activations and sums again and no convolution, which saves less and costs little.

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
    network = empty_network(spec, find_device(device), checkpoint_activations)
    headless = features_only and weights is None  # of the spec's own file, which has a head
    report = fill(network, weights, partial=partial or headless)
    if report and not partial and _lacks(report, spec.backbone_prefix):
        raise misfit(report, spec.name)
    return optimize_for_inference(network) if optimize else network


def build_with_report(
    graph: Graph, *, device: torch.device | str | int | None, **how: Any
) -> tuple[Network, LoadReport | None]:
    """A network, and what became of the weights of a file, as `fill` says."""
    network = empty_network(graph, find_device(device))
    return network, fill(network, **how)


def _lacks(report: LoadReport, prefix: str) -> bool:
    """Whether more than a head was left over."""
    left = (key.removeprefix(prefix) for key in report.unexpected)
    return bool(report.missing or report.reshaped) or any(k.startswith(BACKBONE) for k in left)


def fill(
    network: Network,
    weights: str | Path | None = None,
    *,
    partial: bool = False,
    dialect: str | None = None,
    prefix: str | None = None,
    seed: int | None = None,
) -> LoadReport | None:
    """Gives an empty network its weights: of a file, of its spec's file, or random ones.

    Of a file, the report is returned; with `partial`, what does not fit is random, from `seed`.
    """
    if seed is not None:
        torch.manual_seed(seed)
    on_meta = any(value.is_meta for value in network.parameters())
    source = weights_of(network.graph) if weights is None and not on_meta else weights
    if not on_meta and (source is None or partial):
        network.drawn = initialise(network.state_dict(), network.graph)
    if source is None:
        return None
    return load_weights(network, source, partial=partial, dialect=dialect, prefix=prefix)


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
    return build_module(open_graph(path), device=device, optimize=optimize)


def open_graph(path: str | Path) -> Graph:
    """The graph of what `save` wrote as a module's file, which knows the file for its weights.

    Raises `FileError` for any other file, and for one that holds a whole detector.
    """
    try:
        with told_of_file(path):
            graph = build_graph(held_spec(Path(path)))
    except FileError:
        read_content(path)  # which says better what is wrong with a damaged file
        raise
    if "detector" in read_about(path):
        raise FileError(
            f"{quoted(str(path), 200)} holds a whole detector",
            f"hrnet_graph.detection.load({str(path)!r}) opens it",
        )
    return graph


def model_of(network: Network) -> Model:
    """A network's graph and values, without torch. Raises `FileError` if it has none of its own."""
    state = own_state(network)
    random = random_among(state, network.drawn)
    return Model(network.graph, arrays(state, exact=False), random)


def network_of(model: Model) -> Network:
    """The module of a model: with its weights, or those of `build_module` if none are given."""
    if model.weights is None:
        return build_module(model.graph, device="cpu")
    network = empty_network(model.graph, torch.device("cpu"))
    network.load_state_dict({key: torch.tensor(v) for key, v in model.weights.items()})
    if model.random is not None:
        state = network.state_dict()
        random = {key: state[key] for key in model.random.among(state)}
        network.drawn = remembered(random, model.random.seed)
    return network


def with_weights(model: Model, weights: str | Path | None = None) -> Model:
    """A model whose weights are given: of a file, its own, its spec's, or random ones as published.

    Random ones are those that `build_module` starts with, from torch's random generator.
    """
    if weights is None and model.weights is not None:
        return model
    source = weights_of(model.graph) if weights is None else weights
    if source is not None:
        report, values = fit(model.graph, source)
        return Model(model.graph, _in_float32(values), report.random)
    values = {
        key: torch.empty(entry.shape, device="cpu") for key, entry in model.graph.state().items()
    }
    drawn = initialise(values, model.graph)
    return Model(model.graph, _in_float32(values), random_among(values, drawn))


def _in_float32(state: Mapping[str, Tensor]) -> dict[str, Array]:
    return arrays({key: value.float() for key, value in state.items()}, exact=False)


def find_device(device: torch.device | str | int | None) -> torch.device:
    """A device by name, torch's default one where unstated. Raises if torch knows none such."""
    if device is None:
        return torch.empty(0).device  # torch 2.6 gives by name what no `with` is about
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
def initialise(state: Mapping[str, Tensor], graph: Graph) -> Drawn:
    """Fills every entry of a graph's `state_dict` in place, in registration order.

    Source: HRNet-Image-Classification, lib/models/cls_hrnet.py, `init_weights` (kaiming);
    deep-high-resolution-net.pytorch, lib/models/pose_hrnet.py, `init_weights` (normal).
    """
    seed, random = seed_of_next(next(iter(state.values())).device), dict[str, Tensor]()
    fixed = set[str]()
    for node in graph.operations:
        constants = node.op.constants()
        drawn = {}
        for entry in node.op.state(graph.operands(node)):
            value = state[node.key_of(entry)]
            if entry.is_constant:
                value.copy_(torch.tensor(constants[entry.name], device="cpu"))
                fixed.add(node.key_of(entry))
            elif entry.start is not None:
                value.fill_(entry.start)
                random[node.key_of(entry)] = value
            else:
                drawn[entry.name] = value
                if entry.std is not None:
                    nn.init.trunc_normal_(value, std=entry.std)
        in_head = node.path.startswith("@head.")
        published = graph.head_init if in_head else graph.init
        _draw(drawn, published if node.op.family == "conv" else Initialisation("default"))
        random |= {f"{node.key}.{name}": value for name, value in drawn.items()}
    return replace(remembered(random, seed), fixed=frozenset(fixed))


def _draw(own: Mapping[str, Tensor], how: Initialisation) -> None:
    """Fills every weight, and the bias where there is one beside it, of a layer."""
    for name, weight in own.items():
        if name.endswith("weight"):
            _draw_layer(weight, own.get(f"{name.removesuffix('weight')}bias"), how)


def _draw_layer(weight: Tensor, bias: Tensor | None, how: Initialisation) -> None:
    """Fills the weight, and the bias if there is one, of a convolution or a linear layer."""
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
