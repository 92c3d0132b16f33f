"""Spec to graph to artefacts."""
