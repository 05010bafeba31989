"""Reading what the user wrote: text, tree, templates, network."""
