"""A network as `torch.export` sees it, and the `.pt2` archive of it, read without trusting it."""

from __future__ import annotations

import json
import math
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from hrnet_graph.compiler.torch.inference import refuse_optimized
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.errors import FileError, HRNetGraphError, SizeError, error_line, quoted
from hrnet_graph.files import KeptErrors, atomic_write
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.sizes import infer_types, open_types
from hrnet_graph.ir.types import FAR, TensorType
from hrnet_graph.spec.weights_file import ABOUT, no_archive

MAX_STEP = 1024
"""The largest step, in pixels, between sizes that a network takes."""

PROBES = 8
"""How many multiples in a row have to fit for a step to be taken for the rule."""

WEIGHTS = "data/weights/"
"""The folder of an archive that holds the weights, as raw bytes."""

INDEX = "model_weights_config.json"
"""What says where in that folder each weight is, and its type and shape."""

DTYPES: Mapping[int, torch.dtype] = {
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    13: torch.bfloat16,
}
"""torch's own numbers for element types in an archive. Source: torch/_export/serde/schema.py."""

MAX_AXES = 8
"""More than the shape of a weight has extents."""


def export(model: Network) -> ExportedProgram:
    """The network in evaluation as a program of torch's operators, for any batch and size it takes.

    x: (N, C, H, W) -> as the network; H and W from where every map has two rows and columns, in
    steps of what nearest upsampling asks for, if any, or the spec's own where weights go with one
    size alone

    The program shares the network's weights, or copies those in channels_last. Raises
    `HRNetGraphError` if torch cannot express it, or the network is optimized for inference.
    """
    refuse_optimized(model)
    graph = model.graph
    state = {key: value.detach().contiguous() for key, value in model.state_dict().items()}
    with torch.device("meta"):
        twin = Network(graph).eval()
    twin.load_state_dict(state, assign=True)
    size, dynamic = graph.input.type.size, {0: Dim("batch")}
    if types := open_types(graph):
        height, width = (_legal(graph, types, axis) for axis in (0, 1))
        size = (height.example, width.example + width.step)
        dynamic |= {2: height.dim("height"), 3: width.dim("width")}
    first = next(value for value in state.values() if value.is_floating_point())
    shape = (2, graph.input.type.channels, *size)
    image = torch.zeros(shape, device=first.device, dtype=first.dtype)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, about its own parts
            return torch.export.export(twin, (image,), dynamic_shapes=(dynamic,))
    except Exception as error:
        raise HRNetGraphError(f"torch cannot export {graph.name}: {error_line(error)}") from None


class _Legal(NamedTuple):
    """The heights (or widths) that a network takes: `least` and every `step` pixels from there."""

    least: int
    step: int

    @property
    def example(self) -> int:
        return 2 * self.least

    def dim(self, name: str) -> Any:
        """How torch says it."""
        dim = Dim(name, min=self.least // self.step)
        return dim if self.step == 1 else self.step * dim


def _legal(graph: Graph, types: Mapping[str, TensorType], axis: int) -> _Legal:
    """The sizes along an axis (0 is the height), at which no map shrinks to a single row.

    `types` are the open ones.

    Raises `HRNetGraphError` if they are no multiples of a power of two.
    """
    step = 1
    while not all(_has_room(graph, types, axis, FAR + step * n) for n in range(1, PROBES + 1)):
        step *= 2
        if step > MAX_STEP:
            raise HRNetGraphError(f"{graph.name}: no rule found for the sizes that it takes")
    least = step
    while not _has_room(graph, types, axis, least):
        least *= 2
    return _Legal(least, step)


def _has_room(graph: Graph, types: Mapping[str, TensorType], axis: int, extent: int) -> bool:
    """Whether an image of this extent fits, and leaves two rows wherever they vary with it."""
    channels, *size = graph.input.type.shape
    size[axis] = extent
    try:
        found = infer_types(graph, TensorType((channels, *size)))
    except SizeError:
        return False
    return all(
        found[path].size[axis] > 1
        for path, kind in types.items()
        if len(kind.shape) == 3 and kind.size[axis] > 1
    )


def write_pt2(model: Network, path: str | Path, about: Mapping[str, str]) -> None:
    """Writes the exported network, and beside the program what the file says of itself.

    Raises `FileError` if it cannot be written.
    """
    program, extra = export(model), {ABOUT: json.dumps(about)}
    with warnings.catch_warnings(), atomic_write(path) as draft, KeptErrors(draft) as file:
        warnings.simplefilter("ignore")
        torch.export.save(program, cast(IO[bytes], file), extra_files=extra)


def read_pt2(path: str | Path) -> Mapping[str, Tensor]:
    """The weights of an archive of ours.

    Neither the program nor anything pickled in it is read: torch's own loader would run code from
    the file. Raises `FileError` if the archive is damaged or not one of ours.
    """
    where = quoted(str(path), 200)
    try:
        with zipfile.ZipFile(path) as archive:
            if any(entry.compress_type for entry in archive.infolist()):
                raise ValueError("torch's archives are not compressed")
            root = archive.namelist()[0].partition("/")[0]
            entries = json.loads(archive.read(f"{root}/{WEIGHTS}{INDEX}"))["config"]
            places = {
                key: f"{root}/{WEIGHTS}{entry['path_name']}" for key, entry in entries.items()
            }
            if len(set(places.values())) < len(places):
                raise ValueError("two weights are the same part of the file")
            weights = {key: _tensor(archive, places[key], entries[key]) for key in places}
    except KeyError:
        raise no_archive(where) from None
    except Exception as error:
        raise FileError(f"{where} is damaged or no weights file: {error_line(error)}") from None
    return weights


def _tensor(archive: zipfile.ZipFile, name: str, entry: Mapping[str, Any]) -> Tensor:
    meta = entry["tensor_meta"]
    shape, dtype = [extent["as_int"] for extent in meta["sizes"]], DTYPES[meta["dtype"]]
    held = archive.getinfo(name).file_size
    if len(shape) > MAX_AXES or any(type(n) is not int or not 0 < n <= held for n in shape):
        raise ValueError(f"{quoted(shape)} is no shape of a weight of {held} bytes")
    expected = math.prod(shape) * dtype.itemsize
    if expected != held:
        raise ValueError(f"a weight of shape {quoted(shape)} takes {expected} bytes, got {held}")
    return torch.frombuffer(bytearray(archive.read(name)), dtype=dtype).reshape(shape)
