"""From observations and choices to a plan."""
