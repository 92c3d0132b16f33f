"""Graph to ONNX, without a tracer and without torch."""

from hrnet_graph.extras import require

require("onnx", "an ONNX file")
