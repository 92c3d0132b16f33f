"""Folds over a graph. They return values and never print."""
