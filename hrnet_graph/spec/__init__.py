"""The spec language: YAML text to a checked `Spec`. Knows nothing of graphs."""
