"""Engines and other people's networks, measured side by side."""
