"""What screens are made of, with one widget in each file."""
