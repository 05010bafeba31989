"""Other formats translated into a network file."""
