"""Graph to `torch.nn.Module`."""
