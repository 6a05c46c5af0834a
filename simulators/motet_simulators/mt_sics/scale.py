"""What a simulated balance makes of its weighing cell: zero point, tare, range, and weights as MT-SICS writes them.

A weight is written right-aligned in ten characters, a blank and the unit (MT-SICS reference manual 11781363, section
2.1.2.1). The zero point may be set within +-2 % of the capacity, the tare within the capacity.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Literal

from motet_simulators.mt_sics.cell import Cell, CellOptions

ZERO_RANGE = 0.02
"""How much of the capacity may be set to zero, either way."""
OVERLOAD_DIGITS, UNDERLOAD = 9, 0.05
"""Digits above the capacity, and part of the capacity below nothing, that are still weighed."""
_TARE_DIGITS = 10

Beyond = Literal["", "+", "-"]
"""Too much (+), too little (-), or neither."""


class Scale:
    """Zero point, tare and range of a balance. Masses in g. `drift` is how far its readings have drifted."""

    def __init__(self, options: CellOptions, cell: Cell, drift: Callable[[], float]) -> None:
        self._options = options
        self._cell = cell
        self._drift = drift
        self._zero = 0.0
        self.tare = 0.0
        self.decimals = max(0, -int(Decimal(str(options.readability)).normalize().as_tuple().exponent))

    @property
    def stable(self) -> bool:
        """Whether a reading would be called stable."""
        return self._cell.look()[1]

    @property
    def status(self) -> str:
        """`S` for a stable reading, `D` for a dynamic one."""
        return "S" if self.stable else "D"

    def gross(self) -> float:
        """What it would show without tare, noise and rounding."""
        return self._cell.look()[0] + self._drift() - self._zero

    def reading(self) -> float:
        """What it shows, with noise and rounded to its digit."""
        return self._rounded(self.gross() - self.tare + self._cell.noise())

    def beyond(self) -> Beyond:
        """Whether the load is one that it cannot weigh."""
        options = self._options
        if self.gross() > options.capacity + OVERLOAD_DIGITS * options.readability:
            return "+"
        return "-" if self._cell.look()[0] < -UNDERLOAD * options.capacity else ""

    def set_zero(self) -> Beyond:
        """Take the load as zero and forget the tare, unless it is beyond the zero setting range."""
        loaded = self._cell.look()[0]
        if abs(loaded) > ZERO_RANGE * self._options.capacity:
            return "+" if loaded > 0 else "-"
        self._zero, self.tare = loaded + self._drift(), 0.0
        return ""

    def set_tare(self) -> Beyond:
        """Take the load as tare, unless it is beyond the taring range."""
        gross = self.gross()
        if gross > self._options.capacity:
            return "+"
        if gross < -_TARE_DIGITS * self._options.readability:
            return "-"
        self.tare = self._rounded(gross)
        return ""

    def preset_tare(self, mass: float) -> None:
        """Take a mass as tare."""
        self.tare = self._rounded(mass)

    def written(self, mass: float) -> str:
        """A mass as it is sent: `    100.00 g`."""
        return f"{mass:10.{self.decimals}f} g"

    def _rounded(self, mass: float) -> float:
        digit = self._options.readability
        return round(mass / digit) * digit + 0.0  # no -0.0000
