"""The collectives of a partitioned module, read from the text of its optimised HLO.

A module that was partitioned is the program of one device, so that every shape in it is what that device holds.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Optional, TypeAlias

KINDS = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute", "collective-broadcast")
Groups: TypeAlias = tuple[tuple[int, ...], ...]

_OPCODE = re.compile(rf"(?P<kind>{'|'.join(KINDS)}|ragged-all-to-all)(?P<start>-start)?\(")
_INSTRUCTION = re.compile(r"\s*(?:ROOT )?%?(?P<name>[\w.\-]+) = (?P<rest>.*)")
_COMPUTATION = re.compile(r"(?P<entry>ENTRY )?%?(?P<name>[\w.\-]+) (?:\(.*\) -> .* )?\{\s*$")
_CALLS = re.compile(
    r"(?P<role>body|condition|calls|to_apply|true_computation|false_computation)=%?(?P<one>[\w.\-]+)"
    r"|(?:branch_computations|called_computations)=\{(?P<many>[^}]*)\}"
)
_TURNS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
_ELEMENT = re.compile(r"get-tuple-element\(.*?%?(?P<of>[\w.\-]+)\), index=(?P<index>\d+)")
_OP_NAME = re.compile(r'op_name="(?P<name>[^"]*)"')
_GROUPS = re.compile(
    r"replica_groups=(?:mesh\[(?P<mesh>[^\]]*)\](?P<order>, device_ids=\([^)]*\)(?:T\([\d,]*\))?)? \{(?P<axes>[^}]*)\}"
    r"|\[(?P<shape>[\d,]+)\]<=\[(?P<dims>[\d,]+)\](?:T\((?P<turned>[\d,]+)\))?"
    r"|\{(?P<listed>(?:\{[\d,]*\},?)*)\})"
)
_PAIRS = re.compile(r"source_target_pairs=\{(?P<pairs>(?:\{\d+,\d+\},?)*)\}")
_AXIS = re.compile(r"'(?P<name>[^']*)'(?:=(?P<size>\d+))?(?::\((?P<before>\d+)\)(?P<part>\d+))?")
_ARRAY = re.compile(r"(?P<dtype>[a-z]\w*)\[(?P<sizes>[\d,<=\s]*)\]")
_COMMENT = re.compile(r"/\*.*?\*/")
_BITS = {"pred": 8, "token": 0, "opaque": 0, "s4": 4, "u4": 4, "s2": 2, "u2": 2, "c64": 64, "c128": 128}


class Transfer(NamedTuple):
    """One array that a collective moves.

    ``bytes`` is the larger of what a device gives and what it gets: all of an all-gather's result, all of a
    reduce-scatter's operand. ``groups`` are the devices that take part together, (source, target) for a permute;
    None where they cannot be read. Arrays that were combined into one collective share its ``instruction``.
    ``times`` is how often it happens, None in a loop whose number of turns is not known. ``op_name`` is JAX's.
    """

    kind: str
    instruction: str
    bytes: int
    groups: Optional[Groups]
    times: Optional[int]
    op_name: str


def transfers(text: str, devices: int) -> list[Transfer]:
    """Return what the module of one device of ``devices`` sends and receives. A start and its done count once.

    Raises ValueError where a shape cannot be read.
    """
    found: list[tuple[str, Transfer]] = []
    names: dict[tuple[str, int], str] = {}
    calls: list[tuple[str, str, int | None]] = []
    computation = entry = ""
    for line in text.splitlines():
        if line.endswith("{") and (header := _COMPUTATION.match(line)):
            computation = header["name"]
            entry = computation if header["entry"] else entry
            continue
        instruction = _INSTRUCTION.match(line)
        if instruction is None:
            continue
        rest = _COMMENT.sub("", instruction["rest"])
        calls += ((computation, *call) for call in _calls(rest))
        element = _ELEMENT.search(rest) if "get-tuple-element(" in rest else None
        name = _OP_NAME.search(rest)
        if element is not None and name is not None:
            names[element["of"], int(element["index"])] = name["name"]
        found += ((computation, one) for one in _collective(instruction["name"], rest, devices))
    turns = _turns(entry, calls)
    result = []
    for place, instruction_parts in itertools.groupby(found, key=lambda item: (item[0], item[1].instruction)):
        for index, (_, one) in enumerate(instruction_parts):
            own = names.get((one.instruction, index), one.op_name)
            result.append(one._replace(times=turns.get(place[0], 1), op_name=own))
    return result


def _calls(rest: str) -> Iterator[tuple[str, int | None]]:
    """Yield the computations that an instruction calls, and how often."""
    for call in _CALLS.finditer(rest):
        if call["one"] is None:
            yield from ((name.strip().lstrip("%"), 1) for name in call["many"].split(","))
            continue
        known = _TURNS.search(rest)
        looped = call["role"] in ("body", "condition")
        yield call["one"], (int(known[1]) if known else None) if looped else 1


def _turns(entry: str, calls: Sequence[tuple[str, str, int | None]]) -> dict[str, int | None]:
    """Return how often each computation runs; it is called from below its own text."""
    turns: dict[str, int | None] = {entry: 1}
    for caller, callee, times in reversed(calls):
        outer = turns.get(caller, 1)
        here = None if outer is None or times is None else outer * times
        before = turns.get(callee, 0)
        turns[callee] = None if before is None or here is None else before + here
    return turns


def _collective(name: str, rest: str, devices: int) -> Iterator[Transfer]:
    shape, behind = _split_shape(rest)
    opcode = _OPCODE.match(behind)
    if opcode is None:
        return
    kind = opcode["kind"]
    parts = _parts(shape)
    # All others that are started give back what they were given first, and then what they make.
    if opcode["start"] and kind != "all-reduce" and len(parts) > 1:
        parts = _parts(parts[1])
    groups = _groups(behind, devices)
    factor = len(groups[0]) if kind == "reduce-scatter" and groups else 1
    op_name = _OP_NAME.search(behind)
    for part in parts:
        yield Transfer(kind, name, _bytes(part) * factor, groups, 1, op_name["name"] if op_name else "")


def _split_shape(rest: str) -> tuple[str, str]:
    """Return the shape of a result, and the operation behind it."""
    depth = 0
    for at, letter in enumerate(rest):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == " " and depth == 0:
            return rest[:at], rest[at + 1 :]
    return rest, ""


def _parts(shape: str) -> list[str]:
    """Return the elements of a tuple, or the one array."""
    shape = shape.strip()
    if not shape.startswith("("):
        return [shape]
    found, depth, start = [], 0, 1
    for at, letter in enumerate(shape):
        if (letter == "," and depth == 1) or (letter == ")" and depth == 1):
            found.append(shape[start:at].strip())
            start = at + 1
        depth += (letter in "([{") - (letter in ")]}")
    return [part for part in found if part]


def _bytes(shape: str) -> int:
    """Return the bytes of an array, or of all in a tuple. Raises ValueError where it cannot be read."""
    if shape.startswith("("):
        return sum(_bytes(part) for part in _parts(shape))
    array = _ARRAY.match(shape)
    if array is None:
        raise ValueError(f"no shape: {shape}")
    dtype = array["dtype"]
    width = re.match(r"(?:bf|f|s|u)(\d+)", dtype)
    bits = _BITS.get(dtype) if dtype in _BITS else int(width[1]) if width else None
    if bits is None:
        raise ValueError(f"no dtype: {dtype}")
    sizes = [int(size.strip().lstrip("<=")) for size in array["sizes"].split(",") if size.strip()]
    return -(-math.prod(sizes) * bits // 8)


def _groups(attributes: str, devices: int) -> Groups | None:
    pairs = _PAIRS.search(attributes)
    if pairs is not None:
        return tuple(_numbers(pair) for pair in re.findall(r"\{([^{}]*)\}", pairs["pairs"]))
    found = _GROUPS.search(attributes)
    if found is None:
        return None
    if found["mesh"] is not None:
        return None if found["order"] else _of_mesh(found["mesh"], found["axes"])
    if found["shape"] is not None:
        return _of_iota(_numbers(found["shape"]), _numbers(found["dims"]), _numbers(found["turned"] or ""))
    listed = tuple(_numbers(group) for group in re.findall(r"\{([^{}]*)\}", found["listed"]))
    return listed or (tuple(range(devices)),)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(",") if number)


def _of_iota(shape: tuple[int, ...], dims: tuple[int, ...], turned: tuple[int, ...]) -> Groups:
    """Return the groups [count, size] of 0, 1, 2, … laid out as ``dims``, with its axes turned."""
    order = turned or tuple(range(len(dims)))
    ids = [_flat(place, order, dims) for place in itertools.product(*(range(dims[axis]) for axis in order))]
    size = math.prod(shape[1:])
    return tuple(tuple(ids[at : at + size]) for at in range(0, len(ids), size))


def _flat(place: Sequence[int], order: Sequence[int], dims: Sequence[int]) -> int:
    at = dict(zip(order, place, strict=True))
    flat = 0
    for axis, size in enumerate(dims):
        flat = flat * size + at[axis]
    return flat


def _of_mesh(mesh: str, axes: str) -> Groups | None:
    """Return the groups along some axes, or parts of axes, of a mesh such as ``'a'=4,'b'=2``."""
    sizes = {axis["name"]: int(axis["size"]) for axis in _AXIS.finditer(mesh)}
    # An axis of which a part is meant is cut into what stands before the part, the part, and what is behind it.
    dims: list[tuple[str, int, int]] = []
    chosen = [
        (a["name"], int(a["before"] or 1), int(a["part"] or sizes.get(a["name"], 0))) for a in _AXIS.finditer(axes)
    ]
    if any(name not in sizes for name, _, _ in chosen):
        return None
    for name, size in sizes.items():
        cuts = sorted({1, size, *(b for n, b, _ in chosen if n == name), *(b * p for n, b, p in chosen if n == name)})
        dims += [(name, low, high // low) for low, high in itertools.pairwise(cuts)] or [(name, 1, 1)]
    within = [
        at for at, (name, low, part) in enumerate(dims) if any(n == name and b <= low < b * p for n, b, p in chosen)
    ]
    outside = [at for at in range(len(dims)) if at not in within]
    lengths = tuple(part for _, _, part in dims)
    shape = (math.prod(lengths[at] for at in outside), math.prod(lengths[at] for at in within))
    return _of_iota(shape, lengths, (*outside, *within))


def axes_of(groups: Groups | None, mesh: Mapping[str, int]) -> tuple[str, ...] | None:
    """Return the mesh axes along which the devices of a group differ, or None where the groups are not known."""
    if groups is None:
        return None
    names, sizes = list(mesh), list(mesh.values())
    differing: set[int] = set()
    for group in groups:
        places = [_coordinates(device, sizes) for device in group]
        differing |= {axis for axis in range(len(sizes)) if len({place[axis] for place in places}) > 1}
    return tuple(names[axis] for axis in sorted(differing))


def _coordinates(device: int, sizes: Sequence[int]) -> tuple[int, ...]:
    found = []
    for size in reversed(sizes):
        found.append(device % size)
        device //= size
    return tuple(reversed(found))
