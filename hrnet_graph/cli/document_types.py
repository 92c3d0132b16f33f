"""The types of the documents that `--json` prints."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # that of typing is not for pydantic before 3.12

Version = Annotated[Literal[1], Field(description="The version of the document.")]
Bytes = Annotated[int, Field(description="In bytes.")]
Seconds = Annotated[float, Field(description="In seconds.")]
Macs = Annotated[int, Field(description="Multiply-accumulates for one image.")]
Flops = Annotated[int, Field(description="2 x MACs.")]
Shape = Annotated[tuple[int, ...], Field(description="Without the batch; an image is C, H, W.")]
File = Annotated[str, Field(description="The path of a file.")]
Key = Annotated[str, Field(description="Of the `state_dict`, or of a node of the graph.")]
SpecData = Annotated[
    dict[str, Any], Field(description="A whole spec, as `hrnet-graph schema` describes it.")
]
Random = Annotated[str | None, Field(description="Which weights are random, if any.")]


class Counts(TypedDict):
    """What is counted of a network for one image, or of a part of it."""

    params: int
    macs: Macs
    flops: Flops
    operations: Annotated[int, Field(description="Elementary ones that are no MACs.")]
    activations: Annotated[int, Field(description="Values in all results.")]
    layers: Annotated[int, Field(description="Convolutions and linear layers.")]


class Figure(TypedDict):
    """A figure that the authors printed."""

    metric: str
    value: float
    unit: str
    data: str | None
    note: str | None


class Listed(TypedDict):
    """A network of the catalogue."""

    name: str
    task: str
    input: Shape
    params: int
    macs: Macs
    accuracy: list[Figure]
    source: str | None


class Mark(TypedDict):
    """A place in a file: lines and columns from 1, the end behind the last character."""

    file: str
    line: int | None
    column: int | None
    end_line: int | None
    end_column: int | None


class Fix(TypedDict):
    """A change of the spec that mends a problem."""

    title: str
    key: str
    value: Any
    action: Literal["set", "rename", "remove"]


class Problem(TypedDict):
    """One thing wrong with a spec."""

    place: str
    key: str
    message: str
    hint: str
    mark: Mark
    fixes: list[Fix]


class Checked(TypedDict):
    """What is wrong with specs, and what is legal there and yet nobody wants."""

    version: Version
    errors: list[Problem]
    warnings: list[Problem]


class Failure(TypedDict):
    """What any command says where it ends with an error and exit code 2."""

    version: Version
    error: str
    hint: str
    problems: Annotated[list[Problem], Field(description="Of a spec, each with its place.")]


class Weight(TypedDict):
    """An entry of the `state_dict`."""

    key: Key
    shape: tuple[int, ...]
    trainable: bool


class Counted(Counts):
    """The counts of a network, and of its parts with `--by`: a part has its name under that."""

    version: Version
    name: str
    input: Shape
    operations_by_op: dict[str, int]
    by: NotRequired[str]
    parts: NotRequired[list[dict[str, Any]]]


class Beside(Counts):
    """The counts of one of several networks, or of its parts, and how much more they are."""

    network: str
    input: NotRequired[Annotated[str, Field(description="`3x224x224`.")]]
    more_params: int | None
    more_macs: int | None
    more_flops: int | None
    more_operations: int | None
    more_activations: int | None
    more_layers: int | None


class Agreement(TypedDict):
    """With `--verify`: our counts held against those of fvcore and torch."""

    version: Version
    agree: bool
    checks: list[dict[str, Any]]


class Memory(TypedDict):
    """What one image takes at a precision."""

    precision: str
    weights: Bytes
    gradients: Bytes
    optimiser: Bytes
    activations: Bytes
    peak: Bytes
    peak_node: Key
    cpu_peak: Annotated[int | None, Field(description="In bytes, with what oneDNN copies.")]


class Reach(TypedDict):
    """The receptive field at a place of the network, in pixels of the image."""

    place: str
    size: int | None
    stride: float | None


class Fields(TypedDict):
    """The receptive fields of branches and outputs."""

    version: Version
    name: str
    fields: list[Reach]


class Device(TypedDict):
    """What a device does at most."""

    name: str
    flops: Annotated[dict[str, float], Field(description="A second, by precision.")]
    bandwidth: Annotated[float, Field(description="Bytes a second.")]
    launch: Seconds
    source: str


class Roofline(TypedDict):
    """How long a network takes at least on a device, and why."""

    version: Version
    name: str
    input: Shape
    batch: int
    precision: str
    device: Device
    ridge: Annotated[float, Field(description="FLOPs a byte where compute begins to limit.")]
    kernels: int
    flops: int
    bytes: Bytes
    seconds: Annotated[dict[str, float], Field(description="By what limits.")]
    intensity: Annotated[float | None, Field(description="FLOPs a byte.")]
    time: Seconds
    limit: str
    macs: int
    chain: dict[str, Any]
    by: str
    parts: list[dict[str, Any]]


class Published(TypedDict):
    """A cost that the authors printed, beside ours by the convention that its unit names."""

    name: str
    metric: str
    published: float
    unit: str
    ours: float | None
    reproduced: bool
    note: str | None


class Difference(TypedDict):
    """Two networks, node by node and weight by weight."""

    version: Version
    same: bool
    spec: list[dict[str, Any]]
    added: list[Key]
    removed: list[Key]
    changed: list[tuple[Key, str, str]]
    stages: list[tuple[str, dict[str, int], dict[str, int]]]
    kept: int
    reshaped: list[tuple[Key, tuple[int, ...], tuple[int, ...]]]
    lost: list[Key]
    new: list[Key]


class Found(TypedDict):
    """The outcome of a search, and the files of its winners."""

    version: Version
    finished: int
    refused: int
    broken: Annotated[int, Field(description="How many of those refused make no network.")]
    space: int
    exhausted: bool
    objective: list[str]
    winners: list[dict[str, Any]]
    files: list[File]


class FittedNetwork(Counts):
    """A network that comes to limits: its size, and what is counted of it."""

    network: Literal["widest", "deepest", "balanced"]
    width: int
    modules: Annotated[tuple[int, ...], Field(description="Of each stage of several branches.")]
    blocks: Annotated[int | None, Field(description="Of every branch; null where as they were.")]
    memory: NotRequired[Bytes]


class Fitted(TypedDict):
    """The largest networks under limits, and the files that they were written to."""

    version: Version
    networks: list[FittedNetwork]
    files: list[File]


class Passes(TypedDict):
    """With `--passes`: what optimizing does and refuses, and the figures before and after."""

    version: Version
    name: str
    target: str
    input: Shape
    passes: list[dict[str, Any]]
    before: dict[str, int]
    after: dict[str, int]


class Measured(TypedDict):
    """Candidates that were measured by turns, and where."""

    version: Version
    name: str
    input: Shape
    batch: int
    threads: int | None
    weights: str
    runs: int
    machine: dict[str, Any]
    versions: dict[str, str]
    candidates: list[dict[str, Any]]
    missing: list[dict[str, str]]


class Score(TypedDict):
    """A class and how sure it is."""

    index: int
    name: str
    score: float


class Answer(TypedDict):
    """What a network says of an image, by its head: `best`, `instances`, `shares` or `boxes`."""

    version: NotRequired[Version]
    image: File
    name: str
    weights: str
    random: Random
    files: list[File]
    best: NotRequired[list[Score]]
    instances: NotRequired[list[list[dict[str, Any] | None]]]
    scores: NotRequired[Annotated[list[float], Field(description="Of each of the instances.")]]
    shares: NotRequired[list[Score]]
    boxes: NotRequired[list[dict[str, Any]]]
