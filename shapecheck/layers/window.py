"""One axis of a layer that slides a window, with its numbers: what messages, reports and costs are made from."""

from __future__ import annotations

from typing import NamedTuple

from shapecheck.arithmetic import convolution
from shapecheck.arithmetic.symbolic import Size


class Window(NamedTuple):
    """The arithmetic of one spatial axis. ``i`` and ``o`` are sizes in elements, the rest as in the guide.

    ``form`` is ``conv``, ``pool``, ``ceil`` (pooling in ceil mode), ``same``, ``transposed`` or
    ``transposed_same``. ``before`` and ``after`` are 0 for ``same``, whose padding follows from ``i``.
    """

    form: str
    i: Size
    o: Size
    k: int
    s: int = 1
    before: int = 0
    after: int = 0
    d: int = 1
    a: Size = 0

    @property
    def reach(self) -> int:
        """The dilated kernel size k + (k − 1)(d − 1)."""
        return convolution.dilated_kernel(self.k, self.d)

    @property
    def transposes(self) -> bool:
        """Whether the layer is a transposed convolution."""
        return self.form.startswith("transposed")

    @property
    def rounds_down(self) -> bool:
        """Whether rows at the far edge are left unread where the stride does not come out."""
        return self.form in ("conv", "pool")

    @property
    def unread(self) -> Size:
        """Rows at the far edge that no window reads; 0 for forms that pad or round up to read everything."""
        if self.rounds_down:
            rest: Size = convolution.unread(self.i, self.k, self.s, self.before, self.after, self.d)
            return rest
        return 0

    def output_size(self, i: int) -> int | None:
        """Return the output size for an input of another size; None where there is none."""
        if self.form == "same":
            return convolution.conv_same(i, self.s) if i >= 1 else None
        a = self.a if isinstance(self.a, int) else 0
        if self.form == "transposed_same":
            size = convolution.transposed_same(i, self.s, a)
        elif self.form == "transposed":
            size = convolution.transposed(i, self.k, self.s, self.before, self.after, self.d, a)
        elif self.form == "ceil":
            size = convolution.pool_ceil(i, self.k, self.s, self.before, self.after, self.d)
        else:
            size = convolution.conv(i, self.k, self.s, self.before, self.after, self.d)
        return size if size >= 1 else None

    def formula(self) -> str:
        """Return the formula with the numbers in it, such as ``⌊(28 + 2·1 − 3) / 2⌋ + 1 = 14``."""
        if self.form == "same":
            return f"⌈{self.i} / {self.s}⌉ = {self.o}"
        if self.form == "transposed_same":
            if self.s > 1 and self.a == self.s - 1:
                return f"{self.s}·{self.i} = {self.o}"
            return f"{self.s}·({self.i} − 1) + 1 + {self.a} = {self.o}"
        if self.form == "transposed":
            return f"{self.s}·({self.i} − 1) + {self.a} + {self._kernel()}{self._padding('−')} = {self.o}"
        if self.form == "ceil":
            total = min(self.before + self.after - self.reach + self.s, self.before) - 1
            return (
                f"⌊({self.i} + min({self.before + self.after} − {self.reach} + {self.s} − 1, "
                f"{self.before} − 1)) / {self.s}⌋ + 1"
                f" = ⌊({self.i} {'−' if total < 0 else '+'} {abs(total)}) / {self.s}⌋ + 1 = {self.o}"
            )
        inner = f"{self.i}{self._padding('+')} − {self._kernel()}"
        return f"({inner}) + 1 = {self.o}" if self.s == 1 else f"⌊({inner}) / {self.s}⌋ + 1 = {self.o}"

    def _padding(self, sign: str) -> str:
        if self.before == self.after:
            return f" {sign} 2·{self.before}" if self.before else ""
        return f" {sign} ({self.before} + {self.after})"

    def _kernel(self) -> str:
        return str(self.k) if self.d == 1 or self.k == 1 else f"({self.k} + {self.k - 1}·{self.d - 1})"
