"""What a lab has of its consumables: one count for all campaigns that use them, from one run to the next."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from motet.errors import CampaignError
from motet.files.units import rescale
from motet.model.consumption import Supply
from motet.model.lab import Lab
from motet.orchestration.recorder import Recorder
from motet.stamps import wall
from motet.store import Level, Reader, Stamp, Store


@dataclass(frozen=True, slots=True)
class Filling:
    """A person has changed what there is of a consumable, by `amount`, to `level`; all in its unit."""

    name: str
    amount: float
    level: float
    unit: str
    who: str

    def __str__(self) -> str:
        by, unit = f" by {self.who}" if self.who else "", f" {self.unit}" if self.unit else ""
        what = f"{self.amount:g}{unit} added" if self.amount >= 0 else f"{-self.amount:g}{unit} taken out"
        return f"{what}{by}: {self.level:g}{unit} now"


def counted_as(lab: Lab) -> str:
    """What a lab's consumables are counted under; those of its simulators by themselves."""
    return f"{lab.lab} (simulated)" if lab.hardware == "simulated" else lab.lab


class Stockroom:
    """The levels of a lab's consumables. Lives on the lab loop of the process that writes the store, which is the only
    one: what it knows is what is stored.

    `lab` is what they are counted under in the store at `path`; without a name every process begins with the lab's
    whole stock.
    """

    def __init__(self, store: Store, lab: str = "", path: Path | None = None) -> None:
        self.lab = lab
        self.changes = 0
        """Counts uses, and what people changed without having been asked: then it is time to look again."""
        self._store = store
        self._path = path
        self._supplies: dict[str, Supply] = {}
        self._levels: dict[str, float] = {}
        self._asking: dict[str, tuple[str, asyncio.Task[None]]] = {}
        self._listeners: list[Callable[[Filling | None], object]] = []

    @property
    def supplies(self) -> Mapping[str, Supply]:
        """The consumables that are counted."""
        return self._supplies

    @property
    def levels(self) -> Mapping[str, float]:
        """What there is of them now, each in its unit."""
        return self._levels

    async def open(
        self, supplies: Mapping[str, Supply], used: Mapping[str, float] | None = None, anew: Collection[str] = ()
    ) -> None:
        """Read what there is of those that the lab states a stock of; what was never counted is as the lab states it,
        changed by what a campaign that goes on has `used` already. To be called by each campaign before it begins.

        Raises CampaignError for one that was counted in a unit of another kind, unless a person counts it `anew`;
        StoreError.
        """
        stored: Mapping[str, Level] = {}
        if self._path is not None:
            stored = await asyncio.to_thread(Reader(self._path).levels, self.lab)
        for name, supply in supplies.items():
            if supply.stock is None or name in self._levels:
                continue
            self._supplies[name] = replace(supply, each=0.0)
            if name not in stored:
                self._levels[name] = level = supply.stock + (used or {}).get(name, 0.0)
                await self._put(name, level)
            elif stored[name].unit == supply.unit:
                self._levels[name] = stored[name].amount
            else:
                level = 0.0 if name in anew else in_unit(stored[name], supply.unit)
                if level is None:
                    raise CampaignError(_of_another_kind(name, stored[name], supply.unit))
                self._levels[name] = level
                await self._put(name, 0.0)

    def listen(self, listener: Callable[[Filling | None], object]) -> None:
        """Call `listener` when there may be enough again: with what a person has changed, or with None when a question
        about it is closed."""
        self._listeners.append(listener)

    def leave(self, listener: Callable[[Filling | None], object]) -> None:
        """Do not call it any more."""
        self._listeners = [one for one in self._listeners if one != listener]

    def spend(self, recorder: Recorder, experiment: str, attempt: int, name: str, supply: Supply) -> None:
        """An attempt uses up what it uses `each`; stored together with what is recorded in the same turn."""
        amount = -supply.each
        self.changes += 1
        if name not in self._levels:
            recorder.used(experiment, attempt, name, amount, supply.unit)
            return
        self._levels[name] += amount
        recorder.used(experiment, attempt, name, amount, supply.unit, lab=self.lab, level=self._levels[name])

    async def fill(self, name: str, amount: float, who: str = "", recorder: Recorder | None = None) -> Filling:
        """There is so much more of it, or less below 0, once that is stored: for the campaign of the `recorder`, if it
        has asked. Whoever else is being asked about it need not answer any more. Raises StoreError."""
        unit = self._supplies[name].unit
        self._levels[name] = level = self._levels[name] + amount
        if recorder is None:
            self.changes += 1
            stored = self._put(name, amount, who)
        else:
            stored = recorder.used(None, 0, name, amount, unit, lab=self.lab, level=level)
        filling = Filling(name, amount, level, unit, who)
        _, asking = self._asking.get(name, ("", None))
        if asking is not None and asking is not asyncio.current_task():
            asking.cancel(str(filling))
        self._tell(filling)
        await stored
        return filling

    def asker(self, name: str) -> str | None:
        """The campaign that asks a person about it now."""
        campaign, asking = self._asking.get(name, ("", None))
        return None if asking is None or asking.done() else campaign

    def asks(self, name: str, campaign: str, asking: asyncio.Task[None]) -> None:
        """A campaign asks a person about it, until that is done."""
        self._asking[name] = campaign, asking
        asking.add_done_callback(lambda done: self._tell(None))

    def _tell(self, filling: Filling | None) -> None:
        for listener in tuple(self._listeners):
            listener(filling)

    def _put(self, name: str, amount: float, who: str = "") -> "asyncio.Future[None]":
        """Store a change that is of no campaign."""
        if not self.lab:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.set_result(None)
            return done
        unit, at = self._supplies[name].unit, Stamp(wall(), 0.0)
        level = self._levels[name]
        return asyncio.ensure_future(
            self._store.used(None, None, 0, name, amount, unit, at, lab=self.lab, level=level, who=who)
        )


def in_unit(level: Level, unit: str) -> float | None:
    """A level in another unit, as the lab file states it now; None where that cannot be."""
    if bool(unit) != bool(level.unit):
        return None
    try:
        return rescale(level.amount, level.unit, unit)
    except ValueError:
        return None


def _of_another_kind(name: str, level: Level, unit: str) -> str:
    was, now = level.unit or "pieces", unit or "pieces"
    return (
        f"consumable {name}: the lab file counts it in {now}, but {level.amount:g} {was} are left; say how many {now}"
        f" there are: motet supplies set {name} AMOUNT"
    )
