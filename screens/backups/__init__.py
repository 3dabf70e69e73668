"""What is in S3, and what is in it."""
