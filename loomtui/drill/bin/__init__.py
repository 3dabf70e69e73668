"""The stand-ins that a practice node has on its PATH. Single files: each starts in a few milliseconds."""
