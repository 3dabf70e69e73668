"""From values to what is shown."""
