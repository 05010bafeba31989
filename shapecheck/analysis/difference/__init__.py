"""Two networks compared."""
