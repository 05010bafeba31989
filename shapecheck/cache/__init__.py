"""What was found before, on disk."""
