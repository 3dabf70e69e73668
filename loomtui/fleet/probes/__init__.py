"""What can be seen of a node. Everything here only looks."""
