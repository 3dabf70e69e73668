"""Turns values into what is shown."""
