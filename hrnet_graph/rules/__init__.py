"""Architecture knowledge, written in ops. A file in a folder below is a rule, found by itself."""
