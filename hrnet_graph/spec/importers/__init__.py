"""Configs of other repositories as specs."""
