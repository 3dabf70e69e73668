"""Prepared backups: what one whole read of a backup told, kept beside it in S3, and its twin in parts."""
