"""The shortest way from one sequence to another: Myers, An O(ND) Difference Algorithm and Its Variations (1986).

``difflib`` finds no longest common subsequence, and takes quadratic time where elements repeat, as layers do. Of 5,000
layers of 6 kinds with 50 edits it matches 524 in 0.4 s, and this 4,969 in 4 ms; with 5 edits 4,040 against 4,997.
"""

from __future__ import annotations

from collections.abc import Sequence

# Insertions and deletions beyond which two sequences count as having nothing to do with each other.
MOST_EDITS = 600


def aligned(old: Sequence[int], new: Sequence[int], most: int = MOST_EDITS) -> list[tuple[int, int]] | None:
    """Return the positions of a longest common subsequence, rising on both sides; None beyond ``most`` edits.

    Time and memory grow with the length times the number of edits, not with the product of the lengths.
    """
    start, ends = 0, min(len(old), len(new))
    while start < ends and old[start] == new[start]:
        start += 1
    tail = 0
    while tail < ends - start and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    middle = _shortest(old[start : len(old) - tail], new[start : len(new) - tail], most)
    if middle is None:
        return None
    return [
        *((at, at) for at in range(start)),
        *((i + start, j + start) for i, j in middle),
        *((len(old) - at, len(new) - at) for at in range(tail, 0, -1)),
    ]


def _shortest(old: Sequence[int], new: Sequence[int], most: int) -> list[tuple[int, int]] | None:
    """Go forward along the diagonals, with one more edit each time, until the end is reached."""
    n, m = len(old), len(new)
    if not n or not m:
        return []
    furthest = {1: 0}
    trail: list[dict[int, int]] = []
    for edits in range(min(n + m, most) + 1):
        trail.append(furthest.copy())
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and furthest[k - 1] < furthest[k + 1])
            x = furthest[k + 1] if down else furthest[k - 1] + 1
            while x < n and x - k < m and old[x] == new[x - k]:
                x += 1
            furthest[k] = x
            if x >= n and x - k >= m:
                return _walked_back(trail, n, m)
    return None


def _walked_back(trail: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    pairs = []
    for edits in range(len(trail) - 1, -1, -1):
        furthest, k = trail[edits], x - y
        down = k == -edits or (k != edits and furthest[k - 1] < furthest[k + 1])
        before = k + 1 if down else k - 1
        from_x = furthest[before]
        from_y = from_x - before
        while x > from_x and y > from_y and x > 0 and y > 0:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = from_x, from_y
    return pairs[::-1]
