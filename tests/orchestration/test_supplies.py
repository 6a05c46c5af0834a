"""Consumables are counted, and people fill them up before an experiment would run dry."""

import asyncio
from pathlib import Path

import pytest

from motet.errors import CampaignError
from motet.model.consumption import Stocks, Supply
from motet.model.experiment import Experiment, Suggestion
from motet.model.questions import Answer, Question
from motet.orchestration import Recorder
from motet.orchestration.supplies import Supplies
from motet.store import CampaignRecord, Reader, Stamp, Store

DYE = {"dye": Supply("mL", each=2.0, stock=5.0)}


class Person:
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.was_asked = asyncio.Event()
        self.answers: asyncio.Queue[Answer] = asyncio.Queue()

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question.text)
        self.was_asked.set()
        return await self.answers.get()


async def _recorder(store: Store) -> Recorder:
    record = CampaignRecord("dyes", "soft", {}, {}, 1, ("cell",), {"y": {"goal": "maximize"}}, {}, Stamp(0.0, 0.0))
    return Recorder(store, await store.new_campaign(record))


def _experiment(number: int) -> Experiment:
    return Experiment("dyes-1", number, Suggestion({"x": 1.0}, "asked by the test"))


async def test_a_person_is_asked_once_before_it_runs_dry_and_work_waits_for_the_answer(tmp_path: Path) -> None:
    store, person = await Store.open(tmp_path / "motet.db"), Person()
    recorder = await _recorder(store)
    supplies = Supplies([DYE], Stocks(DYE), recorder, person)
    answered = asyncio.Event()
    supplies.listen(answered.set)
    for number in (1, 2):
        assert supplies.suffice(0)
        await recorder.planned(_experiment(number))
        supplies.use(_experiment(number), 1, 0)
    assert [supplies.suffice(0) for _ in range(3)] == [False, False, False]
    person.answers.put_nowait("a little")
    person.answers.put_nowait("7 mL")
    async with asyncio.timeout(10):
        await answered.wait()
    assert supplies.suffice(0)
    assert len(person.asked) == 2
    assert "1 mL left" in person.asked[0]
    await supplies.closed()
    await store.close()
    reader = Reader(tmp_path / "motet.db")
    assert reader.used("dyes-1") == {"dye": 3.0}
    assert ["a little" in event.text for event in reader.events("dyes-1")] == [True, False]


async def test_a_person_who_adds_nothing_is_asked_again_when_more_was_used(tmp_path: Path) -> None:
    store, person = await Store.open(tmp_path / "motet.db"), Person()
    recorder, dye = await _recorder(store), {"dye": Supply("mL", each=2.0, stock=9.0, refill_at=8.0)}
    supplies = Supplies([dye], Stocks(dye, {"dye": -2.0}), recorder, person)
    for number in (1, 2):
        answered = asyncio.Event()
        supplies.listen(answered.set)
        assert supplies.suffice(0)
        person.answers.put_nowait("0")
        async with asyncio.timeout(10):
            await answered.wait()
        assert supplies.suffice(0)
        assert len(person.asked) == number
        await recorder.planned(_experiment(number))
        supplies.use(_experiment(number), 1, 0)
    await supplies.closed()
    await store.close()


async def test_a_campaign_that_ends_withdraws_the_question(tmp_path: Path) -> None:
    store, person = await Store.open(tmp_path / "motet.db"), Person()
    supplies = Supplies([DYE], Stocks(DYE, {"dye": -4.0}), await _recorder(store), person)
    assert not supplies.suffice(0)
    async with asyncio.timeout(10):
        await person.was_asked.wait()
        supplies.close("asked to stop")
        await supplies.closed()
    assert not supplies.suffice(0)
    assert len(person.asked) == 1
    await store.close()


async def test_where_nobody_can_be_asked_it_says_what_is_missing(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "motet.db")
    supplies = Supplies([DYE], Stocks(DYE, {"dye": -4.0}), await _recorder(store), None)
    with pytest.raises(CampaignError, match=r"dye \(1 mL left, 2 needed\); nobody can fill it up"):
        supplies.suffice(0)
    await store.close()
