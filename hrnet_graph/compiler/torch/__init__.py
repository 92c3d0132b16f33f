"""Graph to `torch.nn.Module`."""

from hrnet_graph.extras import require

require("torch", "building a network")
