"""Whether a repository's code builds a network: the one that it would build, beside it.

What a dialect can hold is what comes of the numbers that its configs state, read off the weights,
and of `FIXED`; the network is built of these, and every other one is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from hrnet_graph.compiler.build import build_graph
from hrnet_graph.compiler.weights.bodies import BODIES, ddrnet
from hrnet_graph.compiler.weights.computed import ABBREVIATIONS, difference, stateful
from hrnet_graph.compiler.weights.dialect import BACKBONE, Dialect
from hrnet_graph.compiler.weights.enlarging import Way, ways_of
from hrnet_graph.compiler.weights.head_options import HEADS, image_of_simcc
from hrnet_graph.compiler.weights.norms import without_statistics
from hrnet_graph.compiler.weights.shapes import Shape, Shapes
from hrnet_graph.errors import FileError, HRNetGraphError, quoted
from hrnet_graph.ir.graph import Graph
from hrnet_graph.spec.load import load_spec

COUNTER = "num_batches_tracked"

HINT = "`hrnet-graph build SPEC --weights FILE -o net.pt` writes it as a network of its own"

RESIDUAL = "conv1.weight"
TRANSFORMER = "mlp.fc1.weight"
"""The keys by which dialects of HRNet's own blocks and of transformer blocks know the first."""

_FIRST = {"stages.0": {"block": "bottleneck", "branches": 1, "blocks": 4, "channels": [64]}}
_CLASSIFIER: dict[str, Any] = {"head.features": 2048}
_PADDLE: dict[str, Any] = {
    **_FIRST,
    **_CLASSIFIER,
    "head.bias": False,
    **{
        f"stages.{i}.{key}": value
        for i, modules in ((1, 1), (2, 4), (3, 3))
        for key, value in {"modules": modules, "blocks": 4, "block": "basic"}.items()
    },
}
_WEIGHED = {"reduction": 16}

UNREAD = {"official": "heatmap"}
"""Whose transformer blocks hold biases of positions and never read them: dialect, and head.

Source: HRFormer, pose/mmpose/models/backbones/hrt.py.
"""

_HRFORMER: Mapping[str, Mapping[str, Any]] = {
    "classification": {**_CLASSIFIER, "head.depthwise": True},
    "ocr": {"head.inner_bias": True, "head.aux_features": 512, "head.aux_kernel": 3},
}
"""Head -> what HRFormer's code has."""

FIXED: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("official", "heatmap"): {**_FIRST, "head.deconv": None, "head.deconv_kernels": None},
    ("official", "landmark"): {**_FIRST, "head.deconv": None, "head.deconv_kernels": None},
    ("official", "bottom_up"): _FIRST,
    ("official", "dekr"): _FIRST,
    ("mmpose", "dekr"): {"head.blocks": 1, "head.joint_blocks": 2, "head.kernel": 1},
    ("mmpose-0.x", "dekr"): {"head.blocks": 1, "head.joint_blocks": 2, "head.kernel": 1},
    ("mmsegmentation", "segmentation"): {"head.kernel": 1},
    ("official", "classification"): _CLASSIFIER,
    ("timm", "classification"): _CLASSIFIER,
    ("paddle", "classification"): _PADDLE,
}
"""Dialect and head -> what its code of HRNet has whatever a config says.

Source: lib/models of the official repositories; mmpose, mmsegmentation; PaddleClas, hrnet.py.
"""


def expect_held(
    shapes: Mapping[str, Shape], dialect: Dialect, own: tuple[Graph, Mapping[str, str]] | None
) -> tuple[Graph, list[str]]:
    """The network in a dialect, its keys the published ones, and the biases that it has and weights
    lack, which are zero where they do.

    shapes: published key -> shape; own: the network itself, where that is known, and its keys with
    the published ones

    Raises `FileError`, naming the weight, for a network that the dialect's repository cannot build.
    """
    shapes = {key: shape for key, shape in shapes.items() if not key.endswith(COUNTER)}
    graph = _theirs(Shapes(shapes), dialect, ways_of(dialect)[0])
    wanted = {k: s.shape for k, s in graph.state().items() if not k.endswith(COUNTER)}
    hint = HINT if own is None else ""
    optional = {bias for bias, _ in dialect.absent}
    for key, shape in shapes.items():
        if key not in wanted and key not in optional:
            _refuse(dialect, key, "that repository's network has no such weight", hint)
        if wanted.get(key, shape) != shape:
            _refuse(dialect, key, f"expected the shape {wanted[key]}, got {shape}", hint)
    absent = [key for key in wanted if key not in shapes and key not in optional]
    for key in absent:
        layer = shapes.get(f"{key.removesuffix('bias')}weight", ()) if key.endswith(".bias") else ()
        if len(layer) < 2:
            _refuse(dialect, key, "that repository's network has this weight, and it is missing")
    if own is not None:
        _expect_computed(own, Shapes(shapes), graph, dialect)
    return graph, absent


def reads_positions(dialect: Dialect) -> bool:
    """Whether a repository's code adds the biases of positions that its attention holds."""
    return dialect.block != TRANSFORMER or UNREAD.get(dialect.name) != dialect.head


def _refuse(dialect: Dialect, key: str, why: str, hint: str = "") -> NoReturn:
    raise FileError(f"{dialect.name} cannot hold this network: {quoted(key, 120)}: {why}", hint)


def _theirs(shapes: Shapes, dialect: Dialect, way: Way) -> Graph:
    """The network that a dialect's repository builds of the numbers in these shapes, its branches
    enlarged in such a way.
    """
    try:
        body = ddrnet(shapes) if dialect.known_by else BODIES[dialect.block](shapes)
        norm_first = dialect.known_by and dialect.head == "segmentation"
        options = HEADS["norm first" if norm_first else dialect.head](shapes)
    except FileError as error:
        raise FileError(f"{dialect.name} cannot hold this network: {error.message}") from None
    changes = {f"head.{key}": value for key, value in options.items()}
    if dialect.known_by:
        kind = {"head": {"kind": "features"}} if dialect.head == "features" else changes
        return _built(body.pop("extends"), {**body, **kind}, dialect)
    norm, own = _norms(shapes, dialect)
    head = {"kind": dialect.head, **options, **({"norm": own} if own != norm else {})}
    image = [*body["input"][1:]] if dialect.head != "simcc" else image_of_simcc(shapes)
    fixed = dialect.block == RESIDUAL and dialect.name in ("official", "inplace-abn", "paddle")
    body |= {"norm": norm, "head": head, "input": [3 if fixed else body["input"][0], *image]}
    return _built({"name": "theirs", **body}, {**_fixed(shapes, dialect), **way}, dialect)


def _built(spec: str | Mapping[str, Any], changes: Mapping[str, Any], dialect: Dialect) -> Graph:
    """The network of a spec with changes, which are the repository's own."""
    try:
        return build_graph(load_spec(load_spec(spec), changes))
    except HRNetGraphError as error:
        why = error.message.splitlines()[0]
        raise FileError(f"{dialect.name} cannot hold this network: {why}") from None


def _fixed(shapes: Shapes, dialect: Dialect) -> Mapping[str, Any]:
    """What a repository's code has whatever its configs say."""
    head = dialect.head
    if dialect.block == TRANSFORMER:
        return _HRFORMER.get(head, {})
    if dialect.block != RESIDUAL:
        return {}
    fixed = dict(FIXED.get((dialect.name, head), {}))
    if dialect.name == "timm":
        fixed["head.bias"] = "final_layer.0.bias" in shapes
    if dialect.name == "paddle" and "layer1.0.se.fc1.weight" in shapes:
        for i, block in enumerate(("bottleneck", "basic", "basic", "basic")):
            fixed[f"stages.{i}.block"] = {"kind": block, "squeeze_excite": _WEIGHED}
        fixed["head.squeeze_excite"] = _WEIGHED
    return fixed


def _norms(shapes: Shapes, dialect: Dialect) -> tuple[str, str]:
    """Kinds of norm of backbone and head whose weights are these; mmpose's heads have batch norms
    alone, and a head without any has those of the backbone.
    """
    body = [key for key in shapes.by_key if key.startswith(BACKBONE)]
    head = [key for key in shapes.by_key if not key.startswith(BACKBONE)]
    norm = "layer" if dialect.by_kind and without_statistics(body) else "batch"
    if any(key.endswith("running_mean") for key in head):
        return norm, "batch"
    plain = bool(without_statistics(head)) and not dialect.name.startswith("mmpose")
    return norm, "layer" if dialect.by_kind and plain else norm


def _expect_computed(
    own: tuple[Graph, Mapping[str, str]], shapes: Shapes, theirs: Graph, dialect: Dialect
) -> None:
    """That a network computes what a repository's does, in one of the ways that its configs say.

    Raises `FileError` otherwise.
    """
    found = difference(*own, theirs, dialect)
    for way in ways_of(dialect)[1:]:
        if found is None:
            return
        if difference(*own, _theirs(shapes, dialect, way), dialect) is None:
            return
    if found is not None:
        raise FileError(f"{dialect.name} cannot hold this network: {found}")


def kinds_of(graph: Graph) -> dict[str, str]:
    """Key of a norm's entry in the network -> the abbreviation of its kind."""
    found = ((key, ABBREVIATIONS.get(type(op))) for key, op in stateful(graph))
    return {key: kind for key, kind in found if kind}
