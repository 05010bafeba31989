"""Transposed layers: sizes left open, what a network demands, encoder against decoder."""
