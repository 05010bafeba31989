"""Every size at once."""
