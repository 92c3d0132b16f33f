"""Which head is read how: one table, to which other packages add the rows of their own heads.

A package adds one by an entry point in the group `hrnet_graph.decoders`, whose name is the head's
and whose object is a `Decoder`: one of its own, or one of those here, for outputs of that kind:
`depth = "hrnet_graph.prediction.decoders:REGIONS"`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points

from torch import Tensor

from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.images import Placement
from hrnet_graph.prediction import decode
from hrnet_graph.prediction.labels import Labels
from hrnet_graph.prediction.results import Result
from hrnet_graph.spec.schema import Spec

GROUP = "hrnet_graph.decoders"


@dataclass(frozen=True)
class Decoder:
    """How a head's outputs are read.

    noun: what one channel of the last output is called where no names are known
    decode: outputs, as batches of one in the network's order, labels and place -> result
    """

    noun: str
    decode: Callable[[Sequence[Tensor], Labels, Placement], Result]


CLASSES = Decoder("class", lambda outputs, labels, _: decode.classes(outputs[-1], labels))
REGIONS = Decoder(
    "class", lambda outputs, labels, place: decode.regions(outputs[-1], labels, place.image_size)
)
JOINTS = Decoder("joint", lambda outputs, labels, place: decode.points(outputs[-1], labels, place))
LANDMARKS = Decoder("point", JOINTS.decode)
PEOPLE = Decoder(
    "joint",
    lambda outputs, labels, place: decode.people(outputs[0], outputs[1], labels, place),
)

DECODERS: Mapping[str, Decoder] = {
    "classification": CLASSES,
    "segmentation": REGIONS,
    "ocr": REGIONS,
    "heatmap": JOINTS,
    "bottom_up": PEOPLE,
    "landmark": LANDMARKS,
}
"""Head -> how it is read."""


def decoder_for(spec: Spec) -> Decoder:
    """How the outputs of a spec's head are read.

    Raises `HRNetGraphError` if that is not known, or if the package that should know is broken.
    """
    head = spec.head.kind
    if head in DECODERS:
        return DECODERS[head]
    points = entry_points(group=GROUP)
    for point in points.select(name=head):
        broken = f"the decoder of the head '{head}' cannot be loaded from {point.value}"
        try:
            found = point.load()
        except Exception as error:  # whatever another package's code raises, it is named
            remedy = "repair or uninstall the package that offers it"
            raise HRNetGraphError(f"{broken}: {error}", remedy) from error
        if not isinstance(found, Decoder):
            raise HRNetGraphError(f"{broken}: expected a Decoder, got {type(found).__name__}")
        return found
    known = ", ".join(sorted({*DECODERS, "feature_pyramid", *points.names}))
    raise HRNetGraphError(
        f"{spec.name}: expected a head that answers, got {head} (known: {known})",
        f"a package adds a head's decoder by an entry point in the group {GROUP}",
    )
