"""The network run on random numbers: a training step, and the numbers of two devices."""
