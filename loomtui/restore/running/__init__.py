"""Carries a plan out, step by step, or takes it back."""
