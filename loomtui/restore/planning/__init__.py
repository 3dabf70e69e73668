"""Makes a plan from observations and choices."""
