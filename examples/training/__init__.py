"""What `train.py` is made of: a made set of shapes, data in folders, and a loss for every head."""
