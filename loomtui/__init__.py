"""Restore a Loom cluster from its S3 backups: the engine. It does; the package `screens` shows."""

__version__ = "0.1.0"
