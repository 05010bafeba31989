"""What can be said of a network; each module stands alone on the graph."""
