"""The ways to print a report, one module each: ``render(reports, stream, color)``."""
