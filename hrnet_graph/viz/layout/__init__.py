"""A scene given places: rows and columns, tracks between them, and points on paper."""
