"""What a unit starts in the end: its command is followed through variables, wrappers and start scripts."""
