"""What experiments use up and what that costs: plain arithmetic over what the files state."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from motet.model.lab import Lab

_ROUNDING = 1e-9
"""Relative; 0.3 mL are three times 0.1 mL, whatever floats say."""


@dataclass(frozen=True, slots=True)
class Supply:
    """One consumable of a lab in plain numbers, all in its `unit`; that is empty for pieces.

    `each` is what one attempt at an experiment uses up, 0 where the procedure uses none of it; `stock` what there is
    at the start and `price` that of one unit, None where the lab does not say.
    """

    unit: str = ""
    each: float = 0.0
    stock: float | None = None
    price: float | None = None

    @property
    def lasts(self) -> int | None:
        """The number of attempts that the stock is enough for; None where none is stated or nothing is used."""
        if self.stock is None or not self.each > 0:
            return None
        return math.floor(self.stock / self.each * (1 + _ROUNDING))


@dataclass(frozen=True, slots=True)
class Consumption:
    """What some attempts use up, and what they cost.

    `amounts` is by consumable, each in its own unit, without those that the procedure does not use. `cost` is in the
    lab's currency, None where the lab states no price at all; what has no price costs nothing. `short` holds the
    consumables whose stock is not enough, each with the number of attempts that it is enough for.
    """

    amounts: Mapping[str, float]
    cost: float | None
    short: Mapping[str, int]


def consumption(
    lab: Lab, supplies: Mapping[str, Supply], attempts: int, busy_h: Mapping[str, float] | None = None
) -> Consumption:
    """What so many attempts use up and cost.

    Attempts that failed count like all others: a droplet is gone whether it was measured or not. `supplies` are those
    of the campaign file; `busy_h` is how long each station works on them, hours of lab time.
    """
    used = {name: supply for name, supply in supplies.items() if supply.each > 0}
    amounts = {name: supply.each * attempts for name, supply in used.items()}
    rates = {name: station.price_per_hour for name, station in lab.stations.items()}
    prices = [*rates.values(), *(consumable.price for consumable in lab.consumables.values())]
    cost = None
    if any(price is not None for price in prices):
        materials = sum(amount * (used[name].price or 0.0) for name, amount in amounts.items())
        cost = materials + sum(hours * (rates[name] or 0.0) for name, hours in (busy_h or {}).items())
    lasts = {name: supply.lasts for name, supply in used.items()}
    return Consumption(amounts, cost, {name: n for name, n in lasts.items() if n is not None and n < attempts})
