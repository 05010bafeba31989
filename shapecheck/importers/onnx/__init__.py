"""Network files of other formats, read into the network language. ``whole`` is the entry.

A file is read into plain records (``onnx_file``), translated node by node (``translation`` and the modules of
operators), written (``document``), checked as any network, and compared with what ONNX's own inference says of the
original (``witness``). ``onnx`` is imported in ``onnx_file`` and ``witness`` only: it is an optional extra.
"""
