"""Layers in groups that fold: blocks, copies of a block, and runs of layers where too many stand side by side."""

from __future__ import annotations

import math

from shapecheck.graph.network import Network

MOST_CHILDREN = 100
SHOWN_AT_FIRST = 36


class Group:
    """Something that folds. ``children`` are groups and indices of nodes, in the order in which data flows."""

    def __init__(self, name: str, label: str, parent: Group | None) -> None:
        self.name = name
        self.label = label
        self.parent = parent
        self.children: list[Group | int] = []
        self.open = False
        self.number = 0

    def nodes(self) -> list[int]:
        """Return every node in the group."""
        found: list[int] = []
        stack: list[Group | int] = [self]
        while stack:
            one = stack.pop()
            if isinstance(one, int):
                found.append(one)
            else:
                stack.extend(reversed(one.children))
        return found


def grouped(network: Network) -> Group:
    """Return the root group of a network. Groups that are small enough to be seen at first are open."""
    root = Group("", "", None)
    groups: dict[str, Group] = {"": root}
    for index in network.order:
        parts = network.nodes[index].name.split(".")[:-1] if network.nodes[index].layer is not None else []
        at = root
        for depth, part in enumerate(parts):
            name = ".".join(parts[: depth + 1])
            if name not in groups:
                groups[name] = Group(name, part, at)
                at.children.append(groups[name])
            at = groups[name]
        at.children.append(index)
    for group in groups.values():
        if len(group.children) > MOST_CHILDREN:
            _in_runs(group, network)
    _open(root)
    return root


def _in_runs(group: Group, network: Network) -> None:
    size = max(10, math.isqrt(len(group.children) - 1) + 1)
    runs: list[Group | int] = []
    for start in range(0, len(group.children), size):
        members = group.children[start : start + size]
        first, last = (_name(member, network) for member in (members[0], members[-1]))
        run = Group(f"{group.name}[{start}]", f"{first} … {last}", group)
        run.children = members
        for member in members:
            if isinstance(member, Group):
                member.parent = run
        runs.append(run)
    group.children = runs


def _name(child: Group | int, network: Network) -> str:
    return child.label if isinstance(child, Group) else network.nodes[child].name.rpartition(".")[2]


def _open(root: Group) -> None:
    """Open groups from the top down, level by level, while not too much is to be seen."""
    shown = 0
    level = [root]
    while level:
        inside = sum(len(group.children) for group in level)
        if shown - len(level) + inside > SHOWN_AT_FIRST and level != [root]:
            break
        for group in level:
            group.open = True
        shown += inside - len(level)
        level = [child for group in level for child in group.children if isinstance(child, Group)]


def listed(root: Group) -> list[Group]:
    """Return every group below the root, parents first, with its number set; the root has number 0."""
    found: list[Group] = []
    stack: list[Group] = [root]
    while stack:
        group = stack.pop()
        if group is not root:
            found.append(group)
            group.number = len(found)
        stack.extend(child for child in reversed(group.children) if isinstance(child, Group))
    return found
