"""Every fault at every step of a restore: `python -m tests.faults`. What it does is in `cells`."""
