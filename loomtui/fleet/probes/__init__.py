"""What can be seen of a node: looks only."""
