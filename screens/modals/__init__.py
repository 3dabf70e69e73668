"""Dialogs: each says the cluster's name and mark in its border, and closes with escape without an effect."""
