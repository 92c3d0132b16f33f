"""What a network makes of its branches."""
