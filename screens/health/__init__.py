"""The cluster and its nodes, as they are now."""
