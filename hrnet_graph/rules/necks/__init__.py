"""What stands between the last stage and the head."""
