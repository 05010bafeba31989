"""The arithmetic: the guide, sizes that are not known yet, shapes."""
