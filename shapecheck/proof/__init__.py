"""Proofs: what JAX and XLA found by themselves against what the arithmetic says.

``whole`` proves a network, by the other modules part for part, and loads JAX. ``possible`` tells whether there is
anything to prove, and ``kept`` what was proved before; neither loads JAX.
"""
