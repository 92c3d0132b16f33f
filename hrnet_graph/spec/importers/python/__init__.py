"""Python config files, read as data and never run."""
