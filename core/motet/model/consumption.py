"""What experiments use up and what that costs: plain arithmetic over what the files state."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from motet.model.lab import Lab
from motet.model.questions import AnswerForm, Question

_ROUNDING = 1e-9
"""Relative; 0.3 mL are three times 0.1 mL, whatever floats say."""
FULL = "full"
"""The answer that says that there is as much again as at the start."""


@dataclass(frozen=True, slots=True)
class Supply:
    """One consumable of a lab in plain numbers, all in its `unit`; that is empty for pieces.

    `each` is what one attempt at an experiment uses up, 0 where the procedure uses none of it; `stock` what there is
    at the start, `price` that of one unit and `refill_at` below which a person is asked to fill it up, None where the
    lab does not say.
    """

    unit: str = ""
    each: float = 0.0
    stock: float | None = None
    price: float | None = None
    refill_at: float | None = None

    @property
    def lasts(self) -> int | None:
        """The number of attempts that the stock is enough for; None where none is stated or nothing is used."""
        if self.stock is None or not self.each > 0:
            return None
        return math.floor(self.stock / self.each * (1 + _ROUNDING))

    def is_short(self, amount: float) -> bool:
        """Whether the stock, if one is stated, is not enough for so much."""
        return self.stock is not None and amount > self.stock * (1 + _ROUNDING)


def used_up(stages: Mapping[str, Mapping[str, Supply]], runs: Mapping[str, int]) -> dict[str, float]:
    """What so many runs of each stage use up, by consumable; `stages` holds what one run of each uses. Runs that failed
    count like all others."""
    amounts: dict[str, float] = {}
    for stage, supplies in stages.items():
        for name, supply in supplies.items():
            if supply.each > 0:
                amounts[name] = amounts.get(name, 0.0) + supply.each * runs.get(stage, 0)
    return amounts


def cost_of(
    lab: Lab, supplies: Mapping[str, Supply], amounts: Mapping[str, float], busy_h: Mapping[str, float] | None = None
) -> float | None:
    """What so much of each consumable and so many hours of each station cost; None where the lab states no price."""
    rates = {name: station.price_per_hour for name, station in lab.stations.items()}
    prices = [*rates.values(), *(consumable.price for consumable in lab.consumables.values())]
    if all(price is None for price in prices):
        return None
    materials = sum(amount * (supplies[name].price or 0.0) for name, amount in amounts.items())
    return materials + sum(hours * (rates[name] or 0.0) for name, hours in (busy_h or {}).items())


@dataclass(frozen=True, slots=True)
class Stocks:
    """What is left as a campaign goes on.

    `supplies` are those of one experiment, all of its stages together; `levels` is how much there is of each now, the
    lab's stock where it is not stated. What the lab states no stock of is never short.
    """

    supplies: Mapping[str, Supply]
    levels: Mapping[str, float] = field(default_factory=dict[str, float])

    def left(self, name: str) -> float | None:
        """How much there is now, None where the lab states no stock."""
        stock = self.supplies[name].stock
        return None if stock is None else self.levels.get(name, stock)

    def lacking(self, uses: Mapping[str, Supply]) -> tuple[str, ...]:
        """What there is too little of for one run that uses so much `each`: it has to wait."""
        return tuple(name for name, supply in uses.items() if supply.each > 0 and self._is_below(name, supply.each))

    def low(self) -> tuple[str, ...]:
        """What a person should fill up: there is less of it than one experiment uses, or than the lab wants there."""
        wanted = {name: max(supply.each, supply.refill_at or 0.0) for name, supply in self.supplies.items()}
        return tuple(
            name for name, amount in wanted.items() if self.supplies[name].each > 0 and self._is_below(name, amount)
        )

    def _is_below(self, name: str, amount: float) -> bool:
        left, stock = self.left(name), self.supplies[name].stock
        return left is not None and left < amount - _ROUNDING * max(amount, stock or 0.0)

    def question(self, name: str) -> Question:
        """What a person is asked about something that is low."""
        supply, left = self.supplies[name], max(0.0, self.left(name) or 0.0)
        unit = supply.unit or "pieces"
        text = (
            f"{name} is low: {left:.4g} {unit} left; one experiment uses {supply.each:.4g} {unit}."
            f" How much was added ({unit}), or is it {FULL} again?"
        )
        return Question(f"lab-{name}", text, AnswerForm(answer="text"))
