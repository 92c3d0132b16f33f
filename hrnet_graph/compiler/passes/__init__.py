"""Graph to graph: each pass does what it can, moves the weights as data, and says what not."""
