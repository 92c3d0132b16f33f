"""The architecture graph: types, ops, nodes, hierarchy. Knows nothing of specs or of torch."""
