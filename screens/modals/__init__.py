"""Dialogs. Each has the cluster's name and mark in its border, and closes with escape without an effect."""
