"""A network: its nodes, who reads whom, and how arrays are split."""
