"""Checkpoints: read, fitted to a network, converted and written."""

from hrnet_graph.extras import require

require("torch", "a weights file")
