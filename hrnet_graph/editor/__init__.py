"""The editor: a spec on the left, the network on the right, at once."""
