"""How the weights of a file fit a network: renamed, compared, and accounted for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hrnet_graph.compiler.random_weights import RandomWeights
from hrnet_graph.compiler.weights.dialects import TRANSFERS, Dialect, renamed
from hrnet_graph.late import html_of

Shape = tuple[int, ...]

COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class LoadReport:
    """What became of every weight: of those in the file, and of those that the network wants.

    `renamed` pairs the file's key with ours; `reshaped` gives key, our shape, the file's shape;
    `ignored` and `filled` give key and reason. All loaded keys are ours. `random` says which of
    the network's weights are random afterwards, if any are: in the file, or for want of others.

    Example:
        >>> hg.save(hg.build_module("hrnet_w18_small_v1_cls"), "net.pt")
        >>> model = hg.build_module("hrnet_w18_small_v1_cls", device="meta").to_empty(device="cpu")
        >>> print(hg.load_weights(model, "net.pt"))
        net.pt: official classification, inside state_dict
            552 loaded     conv1.weight...
    """

    file: str
    dialect: str
    head: str
    wrapping: tuple[str, ...]
    loaded: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    reshaped: tuple[tuple[str, Shape, Shape], ...]
    ignored: tuple[tuple[str, str], ...]
    filled: tuple[tuple[str, str], ...]
    random: RandomWeights | None = None

    @property
    def complete(self) -> bool:
        """Whether every weight of the network was in the file and none was left over."""
        return not (self.missing or self.unexpected or self.reshaped)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data for JSON."""
        random = None if self.random is None else str(self.random)
        return {**asdict(self), "random": random, "complete": self.complete}

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return html_of(self)

    def __str__(self) -> str:
        rows = [
            f"{self.file}: {self.dialect} {self.head}"
            + (f", inside {', '.join(self.wrapping)}" if self.wrapping else "")
        ]
        for what in ("loaded", "renamed", "missing", "unexpected", "reshaped", "ignored", "filled"):
            entries = getattr(self, what)
            if entries:
                rows.append(f"  {len(entries):5} {what:11}{_some(what, entries)}")
        if self.random is not None:
            rows.append(f"  weights: {self.random.summary}")
        return "\n".join(rows)


def _some(what: str, entries: Sequence[Any]) -> str:
    """The first two, and how many more there are."""
    shown = "; ".join(_example(what, entry) for entry in entries[:2])
    return f"{shown}; and {len(entries) - 2:,} more" if len(entries) > 2 else shown


def _example(what: str, entry: Any) -> str:
    if what == "reshaped":
        key, ours, theirs = entry
        return f"{key}: expected {ours}, got {theirs}"
    if what == "renamed":
        return f"{entry[0]} -> {entry[1]}"
    return f"{entry[0]}: {entry[1]}" if isinstance(entry, tuple) else str(entry)


def published_keys(
    weights: Mapping[str, Any], dialect: Dialect, head: str, partial: bool
) -> dict[str, str]:
    """The file's keys, each with its published name in a network with `head`, the backbone bare.

    Where only part is wanted, head weights that can start another head take its names.
    """
    transfers = TRANSFERS.get((dialect.head, head), ()) if partial else ()
    published = {key: dialect.to_published(key) for key in weights}
    return {key: renamed(name, transfers) or name for key, name in published.items()}


def idle_counters(names: Mapping[str, str], wanted: Collection[str]) -> list[tuple[str, str]]:
    """The file's counters of batches that ours do without, since the norms there are frozen: why.

    `names` is the file's key -> ours, `wanted` are our keys.
    """
    return [
        (theirs, "a frozen norm counts no batches")
        for theirs, ours in names.items()
        if ours.endswith(COUNTER)
        and ours not in wanted
        and f"{ours.removesuffix(COUNTER)}running_mean" in wanted
    ]


def match(
    wanted: Mapping[str, Shape],
    given: Mapping[str, Shape],
    names: Mapping[str, str],
    folded: tuple[str, ...],
) -> dict[str, Any]:
    """Which weight goes where: the fields of a `LoadReport` that follow from keys and shapes.

    `wanted` and the values of `names` are our keys, `given` and the keys of `names` the file's;
    `folded` are our keys that the dialect does without.
    """
    by_ours = {ours: theirs for theirs, ours in names.items()}
    loaded, reshaped, missing, filled = [], [], [], []
    for key, shape in wanted.items():
        if key in by_ours:
            theirs = given[by_ours[key]]
            if theirs == shape:
                loaded.append(key)
            else:
                reshaped.append((key, shape, theirs))
        elif key.endswith(COUNTER):
            filled.append((key, "absent from files of older torch; set to 0"))
        elif key in folded:
            filled.append((key, "folded into the norm behind it; set to 0"))
        else:
            missing.append(key)
    return {
        "loaded": tuple(loaded),
        "renamed": tuple((by_ours[k], k) for k in loaded if by_ours[k] != k),
        "missing": tuple(missing),
        "unexpected": tuple(theirs for theirs, ours in names.items() if ours not in wanted),
        "reshaped": tuple(reshaped),
        "filled": tuple(filled),
    }
