"""How the weights in a file fit a network: unwrapped, renamed, compared, and accounted for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hrnet_graph.compiler.checkpoints.dialects import TRANSFERS, Dialect
from hrnet_graph.errors import FileError

Shape = tuple[int, ...]

WRAPPERS = ("best_state_dict", "state_dict", "model_state_dict", "model")
"""Under which keys training code puts the weights; the first that is there is taken."""

PREFIXES = ("module.", "model.")
"""What parallel and training wrappers put in front of every key."""

TRAINING_ONLY = ("loss.", "criterion.")
"""How the keys of what only training needs begin."""

COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class LoadReport:
    """What became of every weight: of those in the file, and of those that the network wants.

    `renamed` pairs the file's key with ours; `reshaped` gives key, our shape, the file's shape;
    `ignored` and `filled` give key and reason. All loaded keys are ours.

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

    @property
    def complete(self) -> bool:
        """Whether every weight of the network was in the file and none was left over."""
        return not (self.missing or self.unexpected or self.reshaped)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data for JSON."""
        return {**asdict(self), "complete": self.complete}

    def __str__(self) -> str:
        rows = [
            f"{self.file}: {self.dialect} {self.head}"
            + (f", inside {', '.join(self.wrapping)}" if self.wrapping else "")
        ]
        for what in ("loaded", "renamed", "missing", "unexpected", "reshaped", "ignored", "filled"):
            entries = getattr(self, what)
            if entries:
                rows.append(f"  {len(entries):5} {what:11}{_example(what, entries[0])}")
        return "\n".join(rows)


def _example(what: str, entry: Any) -> str:
    """One entry in words."""
    if what == "reshaped":
        key, ours, theirs = entry
        return f"{key}: expected {ours}, got {theirs}"
    if what == "renamed":
        return f"{entry[0]} -> {entry[1]}"
    return f"{entry[0]}: {entry[1]}" if isinstance(entry, tuple) else str(entry)


@dataclass(frozen=True)
class Unwrapped:
    """The weights of a file under bare keys, what they were wrapped in, and what was left out."""

    weights: Mapping[str, Any]
    wrapping: tuple[str, ...]
    ignored: tuple[tuple[str, str], ...]


def unwrap(content: object, is_weight: Callable[[object], bool]) -> Unwrapped:
    """Finds the weights in what a file holds. Raises `FileError` if there are none."""
    wrapping: list[str] = []
    ignored: list[tuple[str, str]] = []
    while isinstance(content, Mapping):
        inner = next((w for w in WRAPPERS if isinstance(content.get(w), Mapping)), None)
        if inner is None:
            break
        ignored += [(str(key), f"stands beside {inner}") for key in content if key != inner]
        wrapping.append(inner)
        content = content[inner]
    if not isinstance(content, Mapping):
        raise FileError(f"expected named weights, got {type(content).__name__}")
    ignored += [(str(k), "is no weight") for k, v in content.items() if not _named(k, v, is_weight)]
    weights = {key: value for key, value in content.items() if _named(key, value, is_weight)}
    while True:
        ignored += [(k, "is for training only") for k in weights if k.startswith(TRAINING_ONLY)]
        weights = {k: v for k, v in weights.items() if not k.startswith(TRAINING_ONLY)}
        if not weights:
            raise FileError("expected named weights, got none")
        prefix = next((p for p in PREFIXES if all(key.startswith(p) for key in weights)), None)
        if prefix is None:
            return Unwrapped(weights, tuple(wrapping), tuple(ignored))
        wrapping.append(prefix)
        weights = {key.removeprefix(prefix): value for key, value in weights.items()}


def _named(key: object, value: object, is_weight: Callable[[object], bool]) -> bool:
    return isinstance(key, str) and is_weight(value)


def published_keys(
    weights: Mapping[str, Any], dialect: Dialect, head: str, partial: bool
) -> dict[str, str]:
    """The file's keys, each with its published name in a network with `head`, the backbone bare.

    Where only part is wanted, head weights that can start another head take its names.
    """
    transfers = TRANSFERS.get((dialect.head, head), ()) if partial else ()
    names = {}
    for key in weights:
        published = dialect.to_published(key)
        for theirs, ours in transfers:
            if published.startswith(theirs):
                published = ours + published[len(theirs) :]
        names[key] = published
    return names


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
