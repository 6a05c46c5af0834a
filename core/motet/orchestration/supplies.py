"""What a campaign's experiments use up, while it runs: counted, and filled up by people before it runs dry."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from motet.contracts.people import Person
from motet.errors import CampaignError
from motet.model.consumption import FULL, Stocks, Supply
from motet.model.experiment import Experiment
from motet.model.questions import Answer, Question
from motet.orchestration.recorder import Recorder

REFILL = "refill"
"""The kind of event that tells of a consumable that was filled up."""


class FillsUp:
    """Stands in for people where time is virtual: what is low is full again at once."""

    async def ask(self, question: Question) -> Answer:
        """Full."""
        return FULL


class Supplies:
    """The stocks of a lab's consumables. `stages` are what one run of each stage uses up. Lives on the lab loop.

    `person` is asked, once for each consumable that gets low; None where nobody can be: then a campaign ends when one
    has run out. `listen` tells when there may be enough again.
    """

    def __init__(
        self, stages: Sequence[Mapping[str, Supply]], stocks: Stocks, recorder: Recorder, person: Person | None
    ) -> None:
        self._stages = stages
        self._stocks = stocks
        self._recorder = recorder
        self._person = person
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._closed = False
        self._looked = False
        """Whether a person was asked about what is low since the last use."""
        self._listeners: list[Callable[[], object]] = []

    def listen(self, listener: Callable[[], object]) -> None:
        """Call `listener` when a person has answered."""
        self._listeners.append(listener)

    def suffice(self, stage: int) -> bool:
        """Whether there is enough for one run of a stage; a person is asked for what is not, and for what is low.

        Raises CampaignError where there is not enough and nobody can be asked, and what asking raises.
        """
        for task in self._asking.values():
            if task.done() and not task.cancelled():
                task.result()
        lacking = self._stocks.lacking(self._stages[stage])
        if lacking and self._person is None:
            raise CampaignError(f"used up: {', '.join(self._told(name) for name in lacking)}; nobody can fill it up")
        self._ask_for(lacking)
        if not self._looked:
            self._looked = True
            self._ask_for(self._stocks.low())
        return not lacking

    def use(self, experiment: Experiment, attempt: int, stage: int) -> None:
        """One run of a stage begins; stored together with it."""
        self._looked = False
        for name, supply in self._stages[stage].items():
            if supply.each > 0:
                self._stocks = self._stocks.changed(name, -supply.each)
                self._recorder.used(experiment.id, attempt, name, -supply.each, supply.unit)

    def close(self, why: str) -> None:
        """Nobody has to answer any more: what waits for an answer goes on without."""
        self._closed = True
        for task in tuple(self._asking.values()):
            task.cancel(why)

    async def closed(self) -> None:
        """Wait until every question is withdrawn."""
        self.close("the campaign ended")
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    def _ask_for(self, names: Iterable[str]) -> None:
        """Ask a person about each, unless somebody is asked already."""
        if self._person is None or self._closed:
            return
        for name in names:
            task = self._asking.get(name)
            if task is None or task.done():
                task = asyncio.create_task(self._filled(name, self._person), name=f"refill {name}")
                task.add_done_callback(lambda done: self._answered())
                self._asking[name] = task

    def _answered(self) -> None:
        for listener in self._listeners:
            listener()

    async def _filled(self, name: str, person: Person) -> None:
        question = self._stocks.question(name)
        while True:
            answer = await person.ask(question)
            try:
                amount = self._stocks.added(name, str(answer))
            except ValueError as error:
                await self._recorder.happened(REFILL, name, f"the answer {answer!r} will not do: {error}")
                continue
            break
        unit = self._stocks.supplies[name].unit
        await self._recorder.used(None, 0, name, amount, unit)
        self._stocks = self._stocks.changed(name, amount)
        await self._recorder.happened(REFILL, name, f"{amount:g} {unit} added".replace("  ", " "), {"amount": amount})

    def _told(self, name: str) -> str:
        supply = self._stocks.supplies[name]
        return f"{name} ({self._stocks.left(name):g} {supply.unit} left, {supply.each:g} needed)".replace("  ", " ")
