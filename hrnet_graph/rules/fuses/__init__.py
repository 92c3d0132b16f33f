"""How the branches of a module exchange information."""
