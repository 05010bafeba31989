"""The language server: what the other modules know of a file, told to an editor while it is written.

The only package that imports pygls and lsprotocol, which are an optional extra. A request is answered from the
``Analysis`` of the text as it stands; completion alone works on the text itself, whatever it is broken by.
"""
