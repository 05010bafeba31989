"""What is asked of the cross-check and what it found: plain records, which another process and a file can hold."""
