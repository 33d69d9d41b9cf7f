"""The only room with tensors."""
