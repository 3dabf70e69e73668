"""A plan carried out, step by step, or taken back."""
