"""The command line: one file a command, each importing its layer when it runs."""
