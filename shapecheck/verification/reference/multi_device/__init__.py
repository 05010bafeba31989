"""The network split over a mesh of devices, as JAX and XLA split it."""
