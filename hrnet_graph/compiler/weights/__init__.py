"""The names of weights: how each repository says them, and which are whose; without torch."""
