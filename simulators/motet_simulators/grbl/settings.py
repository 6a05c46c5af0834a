"""Settings of a simulated Grbl controller: `$$` and `$n=value` (Grbl v1.1 wiki, "Configuring Grbl v1.1")."""

from collections.abc import Mapping

INVALID_STATEMENT, NEGATIVE_VALUE, STEP_PULSE_TOO_SHORT, SOFT_LIMITS_NEED_HOMING = 3, 4, 6, 10
AXES = "XYZ"
DEFAULTS: dict[int, float] = {
    0: 10, 1: 25, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 10: 1, 11: 0.01, 12: 0.002, 13: 0,
    20: 1, 21: 0, 22: 1, 23: 0, 24: 100, 25: 1000, 26: 25, 27: 1, 30: 1000, 31: 0, 32: 0,
    100: 250, 101: 250, 102: 250, 110: 3000, 111: 3000, 112: 1000, 120: 200, 121: 200, 122: 100,
    130: 300, 131: 200, 132: 80,
}  # fmt: skip
"""A desktop gantry that homes and minds its soft limits; numbers and units are those of the wiki."""
_DECIMALS = {11: 3, 12: 3, 24: 3, 25: 3, 27: 3}
_FLAGS = (4, 5, 6, 13, 20, 21, 22, 32)
_WHOLE = (0, 1, 2, 3, 10, 23, 26)
_LEAST = {24: 1.0, 25: 1.0} | {
    base + n: least for base, least in ((100, 1e-3), (110, 1.0), (120, 1e-3)) for n in range(3)
}
"""Grbl stores a 0 that nothing could move with; here the gantry then goes by these, at 1 mm/min say."""


class Settings:
    """The settings, with what Grbl makes of them."""

    def __init__(self, changed: Mapping[int, float]) -> None:
        self._values = DEFAULTS | dict(changed)

    def __getitem__(self, number: int) -> float:
        return max(self._values[number], _LEAST.get(number, 0.0))

    def axis(self, base: int) -> tuple[float, float, float]:
        """A setting of x, y and z: 100 steps/mm, 110 mm/min, 120 mm/s2, 130 travel in mm."""
        return self[base], self[base + 1], self[base + 2]

    def on(self, number: int) -> bool:
        """Whether a flag is set."""
        return bool(self._values[number])

    def homes_negative(self, axis: int) -> bool:
        """Whether an axis has its home at the low end ($23)."""
        return bool(int(self._values[23]) >> axis & 1)

    def lines(self) -> list[str]:
        """What `$$` prints."""
        return [f"${number}={self._text(number)}" for number in self._values]

    def restore(self) -> None:
        """Forget what was changed."""
        self._values = dict(DEFAULTS)

    def store(self, number: int, value: float) -> int:
        """Set one; the number of the error, 0 when it was taken. What is checked is what grbl/settings.c checks."""
        if number not in self._values:
            return INVALID_STATEMENT
        if value < 0:
            return NEGATIVE_VALUE
        if number == 0 and int(value) & 0xFF < 3:
            return STEP_PULSE_TOO_SHORT
        if number == 20 and value and not self.on(22):
            return SOFT_LIMITS_NEED_HOMING
        if number == 22 and not value:
            self._values[20] = 0
        kept = int(value) & 0xFF  # one byte
        self._values[number] = bool(kept) if number in _FLAGS else kept if number in _WHOLE else value
        return 0

    def _text(self, number: int) -> str:
        decimals = 3 if number >= 100 else _DECIMALS.get(number, 0)
        return f"{self._values[number]:.{decimals}f}"
