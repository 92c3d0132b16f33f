"""A graph as one HTML page that is looked at, searched and clicked through."""
