"""Keys, and what is typed."""
