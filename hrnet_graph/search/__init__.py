"""Many variants of a spec: built, counted, filtered, compared."""
