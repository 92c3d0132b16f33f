"""Residual units: what a branch is made of."""
