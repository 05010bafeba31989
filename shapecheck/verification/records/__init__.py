"""What is asked of the cross-check and what it found: plain records, which another process and a file can hold.

They hold no shape that the arithmetic computed but those in ``result``, so that the reference build may use the others.
"""
