"""Runs of anybody, as their nodes tell them, and how one is taken over to this machine."""
