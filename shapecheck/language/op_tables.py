"""The tables of ops and keys in the README, made from the registry.

``python -m shapecheck.language.op_tables [PATH]`` writes them between their marks; by default into ``README.md``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from shapecheck.layers import REGISTRY, Layer
from shapecheck.layers.fields import (
    REQUIRED,
    Boolean,
    Edges,
    Integer,
    Key,
    Kind,
    LayerName,
    Listing,
    Number,
    PerAxis,
    Positive,
    Probability,
    ShapeEntry,
    SizeValue,
    Word,
)

# In which order the families of layers are told; one that is not named here comes last.
FAMILIES = [
    "conv",
    "conv_transpose",
    "columns",
    "pooling",
    "resize",
    "merge",
    "rearrange",
    "linear",
    "normalization",
    "activation",
]
BEGIN, END = "<!-- made by python -m shapecheck.language.op_tables -->\n", "<!-- made until here -->\n"


def ops() -> str:
    """Return the table of ops: what each does, how many inputs it takes, its keys with their defaults."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for op, kind in _ordered():
        keys = ", ".join(with_default(name, key) for name, key in kind.keys_of(op).items())
        rows.setdefault((sentence(kind), inputs(kind), keys), []).append(op)
    lines = ["| op | what it does | inputs | keys |", "| --- | --- | --- | --- |"]
    for (does, takes_in, keys), names in rows.items():
        lines.append(f"| {', '.join(f'`{name}`' for name in names)} | {_cell(does)} | {takes_in} | {keys} |")
    return "\n".join(lines) + "\n"


def keys() -> str:
    """Return the table of keys: what each takes and means, those that mean the same everywhere told once."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for op, kind in _ordered():
        for name, key in kind.keys_of(op).items():
            rows.setdefault((name, takes(key.kind), key.doc), []).append(op)
    lines = ["| key | of | takes | meaning |", "| --- | --- | --- | --- |"]
    for (name, value, doc), names in sorted(rows.items(), key=lambda row: row[0][0]):
        lines.append(f"| `{name}` | {', '.join(names)} | {_cell(value)} | {_cell(doc)} |")
    return "\n".join(lines) + "\n"


def takes(kind: Kind) -> str:
    """Return in words what a key of this kind takes."""
    match kind:
        case PerAxis(item=item):
            return f"{takes(item)}; or a list of them"
        case Listing(item=item):
            return f"a list; in it {takes(item)}"
        case Word(words=words, other=other):
            listed = ", ".join(f"`{word}`" for word in words)
            return listed if other is None else f"{takes(other)}; or {listed}"
        case ShapeEntry():
            return "sizes, and -1 once"
        case SizeValue():
            return "a size"
        case Integer(minimum=int(minimum)):
            return f"a whole number from {minimum}"
        case Integer():
            return "a whole number"
        case Probability():
            return "a number from 0 to 1"
        case Positive():
            return "a number above 0"
        case Number():
            return "a number"
        case Boolean():
            return "`true`, `false`"
        case Edges():
            return "a number; a list, one per axis; or `[[before, after], …]`"
        case LayerName():
            return "a layer"
    raise TypeError(f"say what {type(kind).__name__} takes")


def _ordered() -> list[tuple[str, type[Layer]]]:
    def place(entry: tuple[str, type[Layer]]) -> int:
        family = entry[1].__module__.rpartition(".")[2]
        return FAMILIES.index(family) if family in FAMILIES else len(FAMILIES)

    return sorted(REGISTRY.items(), key=place)


def with_default(name: str, key: Key) -> str:
    """Return a key with its default, in bold where it has none and must be given."""
    if key.default is REQUIRED:
        return f"**`{name}`**"
    if key.default is None:
        return f"`{name}`"
    default = str(key.default).lower() if isinstance(key.default, bool) else key.default
    return f"`{name}` {default}"


def inputs(kind: type[Layer]) -> str:
    """Return how many inputs a layer takes."""
    low, high = kind.arity
    return f"{low}" if low == high else f"{low} or more" if high is None else f"{low} to {high}"


def sentence(kind: type[Layer]) -> str:
    """Return what a layer does."""
    return " ".join((kind.__doc__ or "").split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def renew(document: str) -> str:
    """Return a document with the tables between its marks made anew."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    listed = f"<details><summary>Every key</summary>\n\n{keys()}\n</details>\n"
    return f"{before}{BEGIN}\n{ops()}\n{listed}\n{END}{after}"


def main(arguments: list[str]) -> None:
    """Renew the tables of the file in ``arguments``, or of the README."""
    path = Path(arguments[0] if arguments else "README.md")
    path.write_text(renew(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
