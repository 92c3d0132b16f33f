"""An ONNX model as bytes: protobuf's wire format around weights that are passed on as they lie."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, TensorProto, helper

Array = NDArray[Any]

MAX_BYTES = 2**31 - 2**20
"""How many bytes of weights a model holds at most: protobuf stops at 2 GiB."""

LENGTH_DELIMITED = 2
"""How protobuf calls a field whose value begins with its length."""


@dataclass(frozen=True)
class OnnxModel:
    """A model whose weights are not yet in it.

    about: versions and metadata, without a graph
    graph: operators and the shapes of values, without initialisers
    tensors: the initialisers by name
    elsewhere: those of them that stand in another file, as ONNX refers to them
    """

    about: ModelProto
    graph: GraphProto
    tensors: Mapping[str, Array]
    elsewhere: Mapping[str, TensorProto] = field(default_factory=dict)

    def __bytes__(self) -> bytes:
        """The `ModelProto`, every weight copied once."""
        return b"".join(self.chunks())

    def with_inputs(self, names: Collection[str]) -> OnnxModel:
        """The same with these tensors for inputs, behind those that it has."""
        graph = GraphProto()
        graph.CopyFrom(self.graph)
        for name in names:
            array = self.tensors[name]
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            graph.input.append(helper.make_tensor_value_info(name, kind, array.shape))
        left = {name: array for name, array in self.tensors.items() if name not in names}
        return replace(self, graph=graph, tensors=left)

    @property
    def weight_bytes(self) -> int:
        """How many bytes the initialisers take."""
        return sum(array.nbytes for array in self.tensors.values())

    def chunks(self) -> Iterator[bytes | memoryview]:
        """The bytes of the `ModelProto`, piece by piece; no weight is copied.

        onnx's own classes would copy every weight four times until it stands in a file.
        """
        tensors = [self._tensor(name) for name in self.tensors]
        entries = [
            (_prefix(GraphProto.INITIALIZER_FIELD_NUMBER, _length(parts)), *parts)
            for parts in tensors
        ]
        graph = self.graph.SerializeToString(deterministic=True)
        whole = len(graph) + sum(map(_length, entries))
        yield self.about.SerializeToString(deterministic=True)
        yield _prefix(ModelProto.GRAPH_FIELD_NUMBER, whole)
        yield graph
        for parts in entries:
            yield from parts

    def _tensor(self, name: str) -> tuple[bytes | memoryview, ...]:
        if name in self.elsewhere:
            return (self.elsewhere[name].SerializeToString(deterministic=True),)
        data = raw(self.tensors[name])
        about = describe(name, self.tensors[name]).SerializeToString(deterministic=True)
        return about, _prefix(TensorProto.RAW_DATA_FIELD_NUMBER, len(data)), data


def describe(name: str, array: Array) -> TensorProto:
    """A tensor's name, shape and type, without its values."""
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    return TensorProto(name=name, dims=array.shape, data_type=kind)


def raw(array: Array) -> memoryview:
    """The values as ONNX lays them out: row by row, least byte first."""
    flat = array.astype(array.dtype.newbyteorder("<"), copy=False).reshape(-1)
    return flat.view(np.uint8).data


def _prefix(number: int, length: int) -> bytes:
    """What stands before a field's value of so many bytes."""
    return _varint(number << 3 | LENGTH_DELIMITED) + _varint(length)


def _varint(number: int) -> bytes:
    """A number, seven bits a byte, the least first; the highest bit says that more follow."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def _length(parts: tuple[bytes | memoryview, ...]) -> int:
    return sum(len(part) for part in parts)
