"""All nodes' logs as one stream."""
