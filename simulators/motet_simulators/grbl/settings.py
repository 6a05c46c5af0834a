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


class Settings:
    """The settings, with what Grbl makes of them."""

    def __init__(self, changed: Mapping[int, float]) -> None:
        self._values = DEFAULTS | dict(changed)

    def __getitem__(self, number: int) -> float:
        return self._values[number]

    def axis(self, base: int) -> tuple[float, float, float]:
        """A setting of x, y and z: 100 steps/mm, 110 mm/min, 120 mm/s2, 130 travel in mm."""
        return self._values[base], self._values[base + 1], self._values[base + 2]

    def on(self, number: int) -> bool:
        """Whether a flag is set."""
        return bool(self._values[number])

    def homes_negative(self, axis: int) -> bool:
        """Whether an axis has its home at the low end ($23)."""
        return bool(int(self._values[23]) >> axis & 1)

    def lines(self) -> list[str]:
        """What `$$` prints."""
        return [f"${number}={self._text(number)}" for number in self._values]

    def store(self, number: float, value: float) -> int:
        """Set one; the number of the error, 0 when it was taken."""
        if number not in self._values:
            return INVALID_STATEMENT
        if value < 0:
            return NEGATIVE_VALUE
        if number == 0 and value < 3:
            return STEP_PULSE_TOO_SHORT
        if number == 20 and value and not self.on(22):
            return SOFT_LIMITS_NEED_HOMING
        if number == 22 and not value:
            self._values[20] = 0
        self._values[int(number)] = float(bool(value)) if number in _FLAGS else value
        return 0

    def _text(self, number: int) -> str:
        decimals = 3 if number >= 100 else _DECIMALS.get(number, 0)
        return f"{self._values[number]:.{decimals}f}"
