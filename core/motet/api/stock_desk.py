"""Where people say what there is of a lab's consumables: the same while campaigns run and while none does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from motet.api.desk import Reply, checked
from motet.errors import AnswerProblem
from motet.files.report import one_of
from motet.model.consumption import FULL
from motet.model.values import Frozen, Value
from motet.orchestration.amounts import added, amount_of, is_full
from motet.orchestration.stockroom import Stockroom

_Words = Annotated[str, Field(max_length=200)]


class Change(Frozen):
    """Somebody has filled up a consumable (`refill`), or has looked at how much there is (`set`)."""

    do: Literal["refill", "set"]
    lab: _Words
    """What the lab's consumables are counted under."""
    name: _Words
    amount: Value = FULL
    """A number in its unit, or a quantity; `full`: what the lab file states as its stock."""
    who: _Words = ""


_change: TypeAdapter[Change] = TypeAdapter(Change)


@dataclass(frozen=True)
class StockDesk:
    """Carries requests out, on the lab loop."""

    room: Stockroom

    async def carry_out(self, request: Mapping[str, Any]) -> Reply:
        """What there is then, once it is stored, in reply to `{"command": "supplies", ...}`. Raises AnswerProblem,
        StoreError."""
        body = {key: value for key, value in request.items() if key not in ("command", "id")}
        change = checked(_change, body)
        if change.lab != self.room.lab:
            raise AnswerProblem(f"the lab {change.lab!r}; what is running is {self.room.lab!r}")
        supply = self.room.supplies.get(change.name)
        if supply is None:
            allowed = one_of(change.name, self.room.supplies)
            raise AnswerProblem(f"the consumable {change.name!r}; {allowed} (those that the lab states a `stock` of)")
        left, full = self.room.levels[change.name], supply.stock or 0.0
        try:
            if change.do == "refill":
                amount = added(change.name, change.amount, supply, left)
            else:
                there = full if is_full(change.amount) else amount_of(change.name, change.amount, supply)
                amount = there - left
        except ValueError as error:
            raise AnswerProblem(str(error)) from None
        filling = await self.room.fill(change.name, amount, change.who)
        return {"name": filling.name, "left": filling.level, "unit": filling.unit}
