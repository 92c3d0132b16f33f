"""ncnn's layers, as lines of text: what each of them takes, and by which number.

Source: Tencent, ncnn, docs/developer-guide/operators.md and param-and-model-file-structure.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from hrnet_graph.compiler.product import Product
from hrnet_graph.compiler.state import Array

Value: TypeAlias = "int | float | str | tuple[int, ...] | tuple[float, ...]"
"""A number, an expression of extents, or several numbers of one type."""

Values: TypeAlias = "Array | Product"
"""Numbers of a layer, or what they are a product of."""

ARRAYS = -23300
"""What the number of a parameter is taken from where the parameter is an array."""

_CONV = {
    "num_output": 0, "kernel_w": 1, "dilation_w": 2, "stride_w": 3, "pad_left": 4, "bias_term": 5,
    "weight_data_size": 6, "group": 7, "int8_scale_term": 8, "activation_type": 9,
    "activation_params": 10, "output_pad_right": 18,
}  # fmt: skip

_EXTENTS = {"w": 0, "h": 1, "d": 11, "c": 2}

PARAMETERS: Mapping[str, Mapping[str, int]] = {
    "BatchNorm": {"channels": 0, "eps": 1},
    "BinaryOp": {"op_type": 0, "with_scalar": 1, "b": 2},
    "Clip": {"min": 0, "max": 1},
    "Concat": {"axis": 0},
    "Convolution": _CONV,
    "ConvolutionDepthWise": _CONV,
    "Crop": {
        "starts": 9, "ends": 10, "axes": 11, "starts_expr": 19, "ends_expr": 20, "axes_expr": 21,
    },
    "CumulativeSum": {"axis": 0},
    "Deconvolution": _CONV,
    "DeformableConv2D": _CONV,
    "Eltwise": {"op_type": 0, "coeffs": 1},
    "Flatten": {},
    "GELU": {},
    "Gemm": {"transA": 2, "transB": 3},
    "GroupNorm": {"group": 0, "channels": 1, "eps": 2},
    "HardSwish": {"alpha": 0, "beta": 1},
    "InnerProduct": {
        "num_output": 0, "bias_term": 1, "weight_data_size": 2, "int8_scale_term": 8,
        "activation_type": 9, "activation_params": 10,
    },
    "Input": {},
    "InstanceNorm": {"channels": 0, "eps": 1},
    "Interp": {
        "resize_type": 0, "height_scale": 1, "width_scale": 2, "dynamic_target_size": 5,
        "align_corner": 6, "size_expr": 9,
    },
    "LayerNorm": {"affine_size": 0, "eps": 1},
    "MatMul": {"transB": 0},
    "MemoryData": _EXTENTS,
    "Padding": {"top": 0, "bottom": 1, "left": 2, "right": 3},
    "Permute": {"order_type": 0},
    "PixelShuffle": {"upscale_factor": 0},
    "Pooling": {
        "pooling_type": 0, "kernel_w": 1, "stride_w": 2, "pad_left": 3, "global_pooling": 4,
        "pad_mode": 5, "avgpool_count_include_pad": 6,
        "adaptive_pooling": 7, "out_w": 8, "out_h": 18,
    },
    "Reduction": {"operation": 0, "reduce_all": 1, "axes": 3, "keepdims": 4, "fixbug0": 5},
    "ReLU": {"slope": 0},
    "Reshape": {**_EXTENTS, "shape_expr": 6},
    "Scale": {"scale_data_size": 0},
    "ShuffleChannel": {"group": 0},
    "Sigmoid": {},
    "Slice": {"slices": 0, "axis": 1},
    "Softmax": {"axis": 0, "fixbug0": 1},
    "Split": {},
    "Swish": {},
    "UnaryOp": {"op_type": 0},
}  # fmt: skip
"""Layer -> its parameters by name, and the number of each in a file."""


class Weight(NamedTuple):
    """An array of a layer; one that is `flagged` says its type: float32, float16 or int8."""

    values: Values
    flagged: bool = False

    @property
    def array(self) -> Array:
        """The numbers, multiplied where they were not yet."""
        return as_array(self.values)


class Layer(NamedTuple):
    """A line of a `.param` file, and what its layer reads of the `.bin`."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: Mapping[str, Value]
    weights: tuple[Weight, ...] = ()

    def __str__(self) -> str:
        numbers = PARAMETERS[self.kind]
        written = (_written(numbers[name], value) for name, value in self.parameters.items())
        counts = f"{len(self.inputs)} {len(self.outputs)}"
        blobs = " ".join((*self.inputs, *self.outputs))
        head = f"{self.kind:<20} {self.name:<32} {counts} {blobs}"
        return " ".join((head, *written))


def _written(number: int, value: Value) -> str:
    if isinstance(value, str):
        return f'{number}="{value}"'
    if isinstance(value, tuple):
        return ",".join((f"{ARRAYS - number}={len(value)}", *map(_number, value)))
    return f"{number}={_number(value)}"


def _number(value: float) -> str:
    """A number as ncnn tells its type: one with a fraction has a point or an exponent."""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.9g}"
    return text if set(text) & set(".e") else f"{text}.0"


def as_array(values: Values) -> Array:
    """The numbers, multiplied where they were not yet."""
    return values.array() if isinstance(values, Product) else values
