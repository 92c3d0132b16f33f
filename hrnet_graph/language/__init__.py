"""What editors ask of a spec's text: what may stand at a place, what it means, where it is from."""
