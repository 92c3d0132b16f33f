"""Graph to ncnn, without a tracer, without torch and without ncnn."""

from hrnet_graph.extras import require

require("torch", "an ncnn file", ("numpy",))
