"""What a campaign's experiments use up, while it runs: counted, and filled up by people before it runs dry."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from motet.contracts.people import Person
from motet.errors import CampaignError
from motet.model.consumption import FULL, Stocks, Supply
from motet.model.experiment import Experiment
from motet.model.questions import Answer, Question
from motet.orchestration.amounts import added
from motet.orchestration.recorder import Recorder
from motet.orchestration.stockroom import Filling, Stockroom

REFILL = "refill"
"""The kind of event that tells of a consumable that was filled up."""


class FillsUp:
    """Stands in for people where time is virtual: what is low is full again at once."""

    async def ask(self, question: Question) -> Answer:
        """Full."""
        return FULL


class Supplies:
    """One campaign's use of a lab's consumables. `stages` are what one run of each stage uses up, `supplies` that of
    all of them together; `room` has the levels, which other campaigns change too. Lives on the lab loop.

    `person` is asked for what gets low, unless another campaign asks already; None where nobody can be: then a campaign
    ends when one has run out. `listen` tells when there may be enough again.
    """

    def __init__(
        self,
        stages: Sequence[Mapping[str, Supply]],
        supplies: Mapping[str, Supply],
        room: Stockroom,
        recorder: Recorder,
        person: Person | None,
    ) -> None:
        self._stages = stages
        self._supplies = supplies
        self._room = room
        self._recorder = recorder
        self._person = person
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._closed = False
        self._looked: int | None = None
        """The room's count of changes when a person was last asked about what is low."""
        self._told_of: dict[str, str] = {}
        """Which other campaign asks, where people were told so."""
        self._listeners: list[Callable[[], object]] = []
        room.listen(self._heard)

    def listen(self, listener: Callable[[], object]) -> None:
        """Call `listener` when there may be enough again."""
        self._listeners.append(listener)

    def suffice(self, stage: int) -> bool:
        """Whether there is enough for one run of a stage; a person is asked for what is not, and for what is low. What
        is there is there for `use` in the same turn of the loop: another campaign may have it in the next.

        Raises CampaignError where there is not enough and nobody can be asked, and what asking raises.
        """
        for task in self._asking.values():
            if task.done() and not task.cancelled():
                task.result()
        lacking = self._stocks.lacking(self._stages[stage])
        if lacking and self._person is None:
            raise CampaignError(f"used up: {', '.join(self._told(name) for name in lacking)}; nobody can fill it up")
        self._ask_for(lacking)
        if self._looked != self._room.changes:
            self._looked = self._room.changes
            self._ask_for(self._stocks.low())
        return not lacking

    def use(self, experiment: Experiment, attempt: int, stage: int) -> None:
        """One run of a stage begins; stored together with it."""
        for name, supply in self._stages[stage].items():
            if supply.each > 0:
                self._room.spend(self._recorder, experiment.id, attempt, name, supply)

    def close(self, why: str) -> None:
        """Nobody has to answer this campaign any more: what waits for an answer goes on without."""
        self._closed = True
        for task in tuple(self._asking.values()):
            task.cancel(why)

    async def closed(self) -> None:
        """Wait until every question is withdrawn."""
        self.close("the campaign ended")
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
        self._room.leave(self._heard)

    @property
    def _stocks(self) -> Stocks:
        return Stocks(self._supplies, self._room.levels)

    def _ask_for(self, names: Iterable[str]) -> None:
        """Ask a person about each, unless somebody is asked already, by whichever campaign."""
        if self._person is None or self._closed:
            return
        for name in names:
            asker = self._room.asker(name)
            if asker is None:
                task = asyncio.create_task(self._filled(name, self._person), name=f"refill {name}")
                self._asking[name] = task
                self._room.asks(name, self._recorder.campaign, task)
            elif asker != self._recorder.campaign and self._told_of.get(name) != asker:
                self._told_of[name] = asker
                self._recorder.note(REFILL, name, f"is low; campaign {asker} asks for a refill")

    def _heard(self, filling: Filling | None) -> None:
        if filling is not None:
            self._told_of.pop(filling.name, None)
        if filling is not None and self._supplies[filling.name].each > 0:
            self._recorder.note(REFILL, filling.name, str(filling), {"amount": filling.amount, "left": filling.level})
        for listener in self._listeners:
            listener()

    async def _filled(self, name: str, person: Person) -> None:
        while True:
            answer = await person.ask(self._stocks.question(name))
            try:
                amount = added(name, answer, self._supplies[name], self._room.levels[name])
            except ValueError as error:
                await self._recorder.happened(REFILL, name, f"the answer {answer!r} will not do: {error}")
                continue
            break
        await self._room.fill(name, amount, recorder=self._recorder)

    def _told(self, name: str) -> str:
        supply = self._supplies[name]
        return f"{name} ({self._stocks.left(name):g} {supply.unit} left, {supply.each:g} needed)".replace("  ", " ")
