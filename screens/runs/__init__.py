"""Earlier runs, and what is kept of each."""
