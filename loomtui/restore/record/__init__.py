"""What is kept of a run on the operator's machine."""
