"""onnx is an optional extra; without it only what is said then is tested."""

import importlib.util

if importlib.util.find_spec("onnx") is None:
    collect_ignore_glob = ["test_import_onnx_*.py"]
