"""A run played again from what was recorded of it. Nothing here can reach a node."""
