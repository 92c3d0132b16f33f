"""The spec language as Pydantic models: frozen, strict, unknown keys refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr
from pydantic.functional_validators import BeforeValidator
from pydantic_core import PydanticCustomError

from hrnet_graph.errors import as_yaml
from hrnet_graph.ir.graph import BiasInit, ConvInit, Initialisation
from hrnet_graph.late import html_of
from hrnet_graph.spec.activation import ActivationName
from hrnet_graph.spec.labels import Labels, Palette
from hrnet_graph.spec.layers import Layer
from hrnet_graph.spec.norm import Norm
from hrnet_graph.spec.part import Checked, Model, Part, Trouble
from hrnet_graph.spec.published import Published
from hrnet_graph.spec.rule import Rule, RuleOf
from hrnet_graph.spec.stage import MAX_EXTENT as MAX_EXTENT
from hrnet_graph.spec.stage import Extent, Stage

CHANNELS_OF_IMAGES = 4
"""The most channels that images have: an extent of so few pixels is meant as channels."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


_INIT = Initialisation()


def _two_dimensional(value: object) -> object:
    """Says what an input of another number of dimensions is, and that it is none of ours."""
    if isinstance(value, tuple | list) and len(value) != 3:
        of = {2: "; 1-D networks, of signals,", 4: "; 3-D networks, of volumes,"}.get(len(value))
        told = f"{of} are not in this language" if of else ""
        raise PydanticCustomError(
            "dimensions",
            "expected [channels, height, width], got {got}{told}",
            {"got": as_yaml([*value]), "told": told},
        )
    return value


class LayerInit(Model):
    """How convolutions start."""

    conv: ConvInit = _INIT.conv
    """How weights of convolutions start. `kaiming`: normal by fan-out, as published for
    classification. `lecun`: normal by fan-in. `normal`: of deviation `std`, as published for pose
    and segmentation. `default`: as torch has it."""
    std: Positive = _INIT.std
    """Standard deviation of `normal`."""
    conv_bias: BiasInit = _INIT.conv_bias
    """How biases of convolutions start. `default`: as torch has it. `zero`: at zero."""


class Init(LayerInit):
    """How weights start."""

    head: LayerInit | None = None
    """The head's own way, where it has one."""


class Preprocess(Model):
    """How an image becomes the network's input."""

    resize: Literal["stretch", "crop", "fit"] = "stretch"
    """How an image comes to the input's size; a detector keeps proportions in any case. `stretch`:
    whole, in the input's proportions. `crop`: its centre, 7/8 of the shorter side. `fit`: whole, in
    its own proportions, what is left of the input at the right or below filled with zeros."""
    mean: Annotated[tuple[Finite, ...], Field(min_length=1)] = (0.485, 0.456, 0.406)
    """What is taken off red, green and blue, of 0 to 1; for one or four channels to be stated."""
    std: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.229, 0.224, 0.225)
    """What they are then divided by."""


@dataclass(frozen=True)
class Origin:
    """The documents that a spec was read from. Two specs are equal whatever these are."""

    layers: tuple[Layer, ...] = field(default=(), compare=False)


Place = Annotated[str, Field(pattern=r"^(\w+|\*)(\.(\w+|\*))*$", max_length=100)]
"""Where a part of the network stands: `stage2.*.branches`."""

PartName = Annotated[
    str,
    Field(
        pattern=r"^/?(([a-z][a-z0-9_]*|[0-9]{1,3})(\.([a-z][a-z0-9_]*|[0-9]{1,3}))*)?$",
        max_length=60,
    ),
]
"""What a part is called, with the parts that it is in: `keypoint_head.final_layer`; one that begins
with `/` stands at the top of the network."""

DESCRIPTIONS = frozenset({"name", "preprocess", "labels", "palette", "published"})
"""Keys that say how a network is called and used, and nothing of what it computes."""

MAX_NAME = 100
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*(, [A-Za-z0-9_.-]+ [A-Za-z0-9_.-]+)*$"
"""A name, and `KEY VALUE` for everything that was changed: `hrnet_w32_cls, width 48`."""
OUTPUTS = {"classes", "joints", "points"}
"""Options of heads that count what is named by `labels`."""

NAMED = "the name of a data set is read by each head that has as many outputs"


class Spec(Checked):
    """A high-resolution network, topology and choices; everything else is derived."""

    name: Annotated[str, Field(pattern=NAME, max_length=MAX_NAME)]
    """The network's name, and what was changed of it; the file's name where unstated."""
    input: Annotated[tuple[Extent, Extent, Extent], BeforeValidator(_two_dimensional)]
    """Channels, height and width of the image, in pixels."""
    backbone: Part | None = None
    """The submodule that holds stem and stages, as in `backbone.conv1`; none where unstated."""
    width: Extent | None = None
    """Branch i has width * 2^i channels."""
    stem: Annotated[Rule, RuleOf("stem")] = Field(default="conv", validate_default=True)
    """How the image becomes the first feature map."""
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=32)]
    """The stages, in order."""
    transition: Annotated[Rule, RuleOf("transition")] = Field(
        default="strided", validate_default=True
    )
    """How one stage's branches become the next stage's."""
    fuse: Annotated[Rule, RuleOf("fuse")] = Field(default="sum", validate_default=True)
    """How the branches of a module exchange information."""
    neck: Annotated[Rule, RuleOf("neck")] | None = None
    """What the last stage's branches pass on their way to the head; nothing where unstated."""
    head: Annotated[Rule, RuleOf("head")]
    """What the network makes of its branches."""
    keys: Annotated[Mapping[Place, PartName], Field(max_length=64)] | None = None
    """What the `state_dict` calls parts of the network, where that is not as they are called here:
    `stage1: stage0`. A `*` is any one part of a place; nothing (`""`) leaves a part out, and a name
    that begins with `/` takes it out of all others: `stage3.0.branches.1: /layer3`."""
    order: Annotated[tuple[Place, ...], Field(min_length=1, max_length=64)] | None = None
    """Parts that the `state_dict` has in this order, one right after another, where that is not the
    order in which they are computed; by the names of `keys`."""
    norm: Norm = Norm()
    """Normalisation, everywhere in the network; a kind alone is short for `{kind: KIND}`."""
    activation: ActivationName = "relu"
    """The nonlinearity, everywhere in the network."""
    init: Init = Init()
    """How weights start, where none are loaded."""
    preprocess: Preprocess = Preprocess()
    """How an image becomes the network's input."""
    labels: Labels = None
    """The names of the head's outputs: a list, a file of one a line beside the spec, or those of a
    data set where the head has as many. `imagenet`: 1000 classes. `cityscapes`: 19 classes.
    `coco_keypoints`: 17 joints. `crowdpose_keypoints`: 14 joints."""
    palette: Palette | None = None
    """The colour of each in pictures, as `[red, green, blue]` of 0 to 255."""
    published: Published | None = None
    """What the authors printed about this network."""

    _origin: Origin = PrivateAttr(default_factory=Origin)

    def _repr_html_(self) -> str:
        return html_of(self)

    @property
    def weights_file(self) -> Path | None:
        """The file that the spec was read from, where that holds its network's weights too."""
        return self.layers[0].weights if self.layers else None

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The documents that the spec was read from, each laid over those before."""
        return self._origin.layers

    @property
    def file_name(self) -> str:
        """The name as that of a file, without its suffix."""
        return re.sub("[, ]+", "_", self.name)

    def channels(self, stage: Stage) -> tuple[int, ...]:
        """The width of each branch of a stage, before its block's expansion."""
        if stage.channels is not None:
            return stage.channels
        multiples = stage.multiples or tuple(2**i for i in range(stage.branch_count))
        return tuple((self.width or 0) * multiple for multiple in multiples)

    def dump(self) -> dict[str, Any]:
        """The spec as plain data, defaults written out, that reads back as an equal spec.

        Example:
            >>> hg.load_spec("hrnet_w32_cls").dump()["input"]
            (3, 224, 224)
        """
        return self.model_dump(exclude_none=True)

    def _troubles(self) -> Iterator[Trouble]:
        height, width, channels = self.input
        if channels <= CHANNELS_OF_IMAGES < min(height, width):
            right = (channels, height, width)
            wrong = f"expected channels first, got {[*self.input]}; write {[*right]}"
            yield ("input",), wrong, right
        if self.width is None and any(stage.channels is None for stage in self.stages):
            yield ("width",), "missing; expected it, or `channels` for every stage"
        first = self.stages[0]
        if first.branch_count == 1 and first.modules != 1:
            yield (
                ("stages", 0, "modules"),
                f"expected 1, since one branch has nothing to fuse, got {first.modules};"
                " state more `blocks` instead",
                1,
            )
        yield from self._miscounts()

    def _miscounts(self) -> Iterator[Trouble]:
        """Lists that have to be as long as the network's input or output has channels."""
        channels, usual = self.input[0], Preprocess()
        for key in ("mean", "std"):
            row = getattr(self.preprocess, key)
            if len(row) != channels and row != getattr(usual, key):
                expected = f"expected {channels} numbers, one a channel of `input`"
                yield ("preprocess", key), f"{expected}, got {len(row)}"
        for listed in ("labels", "palette") if self.head.inner else ():
            if isinstance(getattr(self, listed), tuple):
                yield (listed,), f"expected none: with several heads nothing says whose; {NAMED}"
                return
        wanted = {f"`head.{key}`": n for key, n in self.head.pairs if key in OUTPUTS}
        if isinstance(self.labels, tuple) and not wanted:
            wanted = {"`labels`": len(self.labels)}
        for other, count in wanted.items():
            for listed in ("labels", "palette"):
                row = getattr(self, listed)
                if isinstance(row, tuple) and len(row) != count:
                    yield (listed,), f"expected {count} of them, as many as {other}, got {len(row)}"

    def located(self, layers: Sequence[Layer]) -> Self:
        """The same spec, which knows where its values stand."""
        self._origin = Origin(tuple(layers))
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy; one with other values does not know where they stand."""
        copy = super().model_copy(update=update, deep=deep)
        return copy.located(()) if update else copy
