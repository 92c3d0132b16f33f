"""What checkpoints are called elsewhere, and how they fit a network. Without torch."""
