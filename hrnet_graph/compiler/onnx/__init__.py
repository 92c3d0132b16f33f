"""Graph to ONNX, without a tracer and without torch: engines that run such a file read it too."""

from hrnet_graph.extras import require

require("onnx", "an ONNX file", ("onnx",))
