"""Every op written with lax and jnp alone: what knows nothing of shapecheck's arithmetic, nor of the reference."""
