"""Graph to ONNX, without a tracer and without torch."""

from hrnet_graph.errors import HRNetGraphError

try:
    import onnx  # noqa: F401 (only whether it is there)
except ImportError:
    raise HRNetGraphError("ONNX files need onnx", "pip install 'hrnet-graph[onnx]'") from None
