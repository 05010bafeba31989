"""Stacks of transposed layers that leave their size open."""

from __future__ import annotations

import random


class Stack:
    """A random encoder over two axes, as text, with the sizes that each level was given."""

    def __init__(self, rng: random.Random, depth: int) -> None:
        self.sizes = [(rng.randint(200, 5_000), rng.randint(200, 5_000))]
        self.levels: list[str] = []
        self.strides: list[tuple[int, int]] = []
        self.a: list[tuple[int, int]] = []
        while len(self.levels) < depth:
            k, s, d = (
                (rng.randint(1, 7), rng.randint(1, 7)),
                (rng.randint(1, 5), rng.randint(1, 5)),
                rng.randint(1, 3),
            )
            p = (rng.randint(0, 3), rng.randint(0, 3))
            reach = [k[j] + (k[j] - 1) * (d - 1) for j in (0, 1)]
            i = self.sizes[-1]
            if any(i[j] + 2 * p[j] < reach[j] for j in (0, 1)):
                continue
            keys = f"kernel_size: {list(k)}, stride: {list(s)}, padding: {list(p)}, dilation: {d}"
            if rng.random() < 0.2:
                keys, p = f"kernel_size: {list(k)}, stride: {list(s)}, padding: same, dilation: {d}", None
            self.levels.append(keys)
            self.strides.append(s)
            if p is None:
                self.a.append((self.same(i[0], s[0]), self.same(i[1], s[1])))
                self.sizes.append((-(-i[0] // s[0]), -(-i[1] // s[1])))
            else:
                self.a.append(tuple((i[j] + 2 * p[j] - reach[j]) % s[j] for j in (0, 1)))  # type: ignore[arg-type]
                self.sizes.append(tuple((i[j] + 2 * p[j] - reach[j]) // s[j] + 1 for j in (0, 1)))  # type: ignore[arg-type]

    @staticmethod
    def same(i: int, s: int) -> int:
        return i - (s * (-(-i // s) - 1) + 1)

    def text(self, rng: random.Random, demand: str) -> str:
        h, w = self.sizes[0]
        lines = [f"shapecheck: 1\ninputs: {{x: [1, 2, {h}, {w}]}}\nlayers:"]
        lines += [f"  - {{name: e{n}, op: conv, out_channels: 2, {keys}}}" for n, keys in enumerate(self.levels)]
        merged = set()
        for n, keys in reversed(list(enumerate(self.levels))):
            skip = f"e{n - 1}" if n else "x"
            # Alone, same leaves nothing open.
            given = f", output_padding: {list(self.a[n])}" if "padding: same" in keys else ""
            lines.append(f"  - {{name: d{n}, op: conv_transpose, out_channels: 2, {keys}{given}}}")
            if demand == "skips" and (n == 0 or rng.random() < 0.5):
                merge = "concat" if n % 2 else "add"
                lines.append(f"  - {{name: j{n}, op: {merge}, from: [{skip}, d{n}]}}")
                merged.add(n)
        if demand == "same":
            lines.append("outputs: {y: {from: d0, same_shape_as: x}}")
        elif demand == "numbers":
            lines.append(f"outputs: {{y: {{from: d0, expect: [1, _, {h}, {w}]}}}}")
        elif demand == "pair":
            lines.append("symmetry: {d0: e0}")
        return "\n".join(lines) + "\n"
