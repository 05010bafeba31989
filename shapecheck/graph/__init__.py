"""A network: its nodes, who reads whom, and in which order they can be computed."""
