"""Engines and other people's networks, measured side by side."""

from hrnet_graph.extras import require

require("torch", "a measurement")
