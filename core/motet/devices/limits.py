"""Limits by quantity: the instrument's own, the lab's and the campaign's; the tightest holds, whoever asks."""

import math
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from motet.errors import LimitError

INSTRUMENT, LAB, CAMPAIGN = "the instrument", "the lab file", "the campaign file"
"""Who sets limits."""


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


@dataclass(slots=True)
class Limits:
    """The limits of one device: those of `whose` file, and for the time of a job those of its campaign besides."""

    device: str
    by_quantity: Mapping[str, Limit]
    whose: str = LAB
    _campaigns: list[Mapping[str, Limit]] = field(default_factory=list[Mapping[str, Limit]], init=False)

    @contextmanager
    def during(self, campaign: Mapping[str, Limit]) -> Generator[None]:
        """While entered, a campaign's limits hold too, each in the unit of the quantity.

        Those of several campaigns that share the device hold together.
        """
        self._campaigns.append(campaign)
        try:
            yield
        finally:
            self._campaigns.remove(campaign)

    def check(self, quantity: str, value: float, unit: str = "") -> float:
        """The value itself. Raises LimitError, which says whose limit it is, for one beyond a limit or not finite.

        Also for one in another `unit` than its limit: of a verb that takes the quantity in a unit of its own.
        """
        for limits, whose in ((self.by_quantity, self.whose), *((each, CAMPAIGN) for each in self._campaigns)):
            limit = limits.get(quantity)
            if limit is not None and unit and limit.unit and unit != limit.unit:
                told = f"{self.device}: {quantity} = {value:g} {unit} cannot be compared with its limit {limit}"
                raise LimitError(f"{told}, set by {whose}; its verbs take it in different units")
            if limit is not None and not limit.low <= value <= limit.high:
                raise self._beyond(quantity, value, limit, whose)
        if not math.isfinite(value):
            raise LimitError(f"{self.device}: {quantity} = {value:g} is not a finite number")
        return value

    def _beyond(self, quantity: str, value: float, limit: Limit, whose: str) -> LimitError:
        unit = f" {limit.unit}" if limit.unit else ""
        return LimitError(f"{self.device}: {quantity} = {value:g}{unit} is beyond its limit {limit}, set by {whose}")
