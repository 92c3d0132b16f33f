"""What an editor asks of a spec's text: complete it, explain it, find in it, change it."""
