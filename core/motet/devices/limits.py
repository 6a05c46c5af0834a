"""Limits by quantity: the instrument's own and the lab's; the tighter of the two holds, whoever asks."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from motet.errors import LimitError


@dataclass(frozen=True, slots=True)
class Limit:
    """The closed range [low, high] of one quantity, with its unit."""

    low: float = -math.inf
    high: float = math.inf
    unit: str = ""

    def tightened(self, other: "Limit") -> "Limit":
        """The range that satisfies both; `other` is in the same unit."""
        return Limit(max(self.low, other.low), min(self.high, other.high), self.unit or other.unit)

    def __str__(self) -> str:
        return f"[{self.low:g}, {self.high:g}]{f' {self.unit}' if self.unit else ''}"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one device."""

    device: str
    by_quantity: Mapping[str, Limit]

    def check(self, quantity: str, value: float) -> float:
        """The value itself. Raises LimitError when it is beyond the limit or not a finite number."""
        limit = self.by_quantity.get(quantity, Limit())
        if not math.isfinite(value) or not limit.low <= value <= limit.high:
            unit = f" {limit.unit}" if limit.unit else ""
            raise LimitError(f"{self.device}: {quantity} = {value:g}{unit} is beyond its limit {limit}")
        return value
