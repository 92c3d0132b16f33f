"""Engines that run a network: one file a target."""
