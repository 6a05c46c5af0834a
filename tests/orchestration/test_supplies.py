"""Consumables are counted for the lab, and people fill them up before any campaign would run dry."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from motet.errors import CampaignError
from motet.model.consumption import Supply
from motet.model.experiment import Experiment, Suggestion
from motet.model.questions import Answer, Question
from motet.orchestration import Recorder
from motet.orchestration.stockroom import Stockroom
from motet.orchestration.supplies import Supplies
from motet.store import CampaignRecord, Reader, Stamp, Store
from motet.store.check import check_store

DYE = {"dye": Supply("mL", each=2.0, stock=5.0)}


class Person:
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.was_asked = asyncio.Event()
        self.answers: asyncio.Queue[Answer] = asyncio.Queue()
        self.withdrawn: list[str] = []

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question.text)
        self.was_asked.set()
        try:
            return await self.answers.get()
        except asyncio.CancelledError as error:
            self.withdrawn.append(str(error))
            raise


@dataclass
class Campaign:
    """One campaign's use of the lab's dye."""

    recorder: Recorder
    supplies: Supplies
    person: Person | None
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    done: int = 0

    async def experiment(self) -> None:
        """One more begins."""
        self.done += 1
        one = Experiment(self.recorder.campaign, self.done, Suggestion({"x": 1.0}, "asked by the test"))
        self.recorder.planned(one)
        self.supplies.use(one, 1, 0)
        await self.recorder.running(one, "cell", 1)


@dataclass
class Lab:
    """A lab whose store and levels several campaigns share."""

    path: Path
    store: Store
    room: Stockroom

    @classmethod
    async def open(cls, folder: Path, supplies: Mapping[str, Supply] = DYE) -> "Lab":
        store = await Store.open(folder / "motet.db")
        room = Stockroom(store, "soft", folder / "motet.db")
        await room.open(supplies)
        return cls(folder / "motet.db", store, room)

    async def campaign(
        self, name: str = "dyes", supplies: Mapping[str, Supply] = DYE, *, asks: bool = True
    ) -> Campaign:
        record = CampaignRecord(name, "soft", {}, {}, 1, ("cell",), {"y": {"goal": "maximize"}}, {}, Stamp(0.0, 0.0))
        recorder, person = Recorder(self.store, await self.store.new_campaign(record)), Person() if asks else None
        made = Campaign(recorder, Supplies([supplies], supplies, self.room, recorder, person), person)
        made.supplies.listen(made.answered.set)
        return made


async def test_a_person_is_asked_once_before_it_runs_dry_and_work_waits_for_the_answer(tmp_path: Path) -> None:
    lab = await Lab.open(tmp_path)
    one = await lab.campaign()
    assert one.person is not None
    for _ in range(2):
        assert one.supplies.suffice(0)
        await one.experiment()
    assert [one.supplies.suffice(0) for _ in range(3)] == [False, False, False]
    one.person.answers.put_nowait("a little")
    one.person.answers.put_nowait("7 mL")
    async with asyncio.timeout(10):
        await one.answered.wait()
    assert one.supplies.suffice(0)
    assert len(one.person.asked) == 2
    assert "1 mL left" in one.person.asked[0]
    await one.supplies.closed()
    await lab.store.close()
    reader = Reader(lab.path)
    assert reader.used("dyes-1") == {"dye": 3.0}
    assert ["a little" in event.text for event in reader.events("dyes-1")] == [True, False]
    assert reader.events("dyes-1")[-1].text == "7 mL added: 8 mL now"


async def test_campaigns_use_one_bottle_ask_once_and_all_hear_of_the_refill(tmp_path: Path) -> None:
    lab = await Lab.open(tmp_path)
    one, two = await lab.campaign("one"), await lab.campaign("two")
    assert one.person is not None
    assert two.person is not None
    for campaign in (one, two):
        assert campaign.supplies.suffice(0)
        await campaign.experiment()
    assert not two.supplies.suffice(0)
    assert not one.supplies.suffice(0)
    async with asyncio.timeout(10):
        await two.person.was_asked.wait()
        two.supplies.close("it ends")
        one.answered.clear()
        await two.supplies.closed()
        assert not one.supplies.suffice(0)  # it asks for itself now
        await one.person.was_asked.wait()
    assert (len(two.person.asked), len(one.person.asked)) == (1, 1)
    three = await lab.campaign("three")
    three.answered.clear()
    await lab.room.fill("dye", 4.0, "Ada")
    assert one.supplies.suffice(0)
    assert three.answered.is_set()
    async with asyncio.timeout(10):
        await one.supplies.closed()
    assert one.person.withdrawn == ["4 mL added by Ada: 5 mL now"]
    await three.supplies.closed()
    await lab.store.close()
    reader = Reader(lab.path)
    texts = {name: [event.text for event in reader.events(name)] for name in ("one", "two", "three")}
    waits, filled = "is low; campaign two-1 asks for a refill", "4 mL added by Ada: 5 mL now"
    assert texts == {"one": [waits, filled], "two": [], "three": [filled]}


async def test_what_is_left_is_left_for_the_next_campaign_and_the_next_process(tmp_path: Path) -> None:
    for left in (5.0, 3.0, 1.0):
        lab = await Lab.open(tmp_path)
        assert lab.room.levels == {"dye": left}
        if left > 1.0:
            await (await lab.campaign()).experiment()
        await lab.store.close()
    assert Reader(lab.path).levels("soft")["dye"].by == "dyes-2"
    in_litres = {"dye": Supply("L", each=0.002, stock=0.005)}
    lab = await Lab.open(tmp_path, in_litres)
    assert lab.room.levels == {"dye": 0.001}
    lab.room.spend(Recorder(lab.store, "dyes-2"), "dyes-2/1", 1, "dye", Supply("L", each=0.001))  # which goes on
    await lab.store.close()
    assert check_store(lab.path) == []
    with pytest.raises(CampaignError, match=r"dye: the lab file counts it in pieces, but 0 L are left"):
        await Lab.open(tmp_path, {"dye": Supply(each=2.0, stock=5.0)})


async def test_levels_that_do_not_follow_from_what_was_used_are_found(tmp_path: Path) -> None:
    lab = await Lab.open(tmp_path)
    await (await lab.campaign()).experiment()
    await lab.store.used(None, None, 0, "dye", 1.0, "mL", Stamp(0.0, 0.0), lab="soft", level=9.0)
    await lab.store.close()
    assert [str(one) for one in check_store(lab.path)] == [
        "dye of the lab soft: 9 are left after 3 and a change of 1",
    ]


async def test_a_person_who_adds_nothing_is_asked_again_when_more_was_used(tmp_path: Path) -> None:
    dye = {"dye": Supply("mL", each=2.0, stock=7.0, refill_at=8.0)}
    lab = await Lab.open(tmp_path, dye)
    one = await lab.campaign(supplies=dye)
    assert one.person is not None
    for number in (1, 2):
        one.answered.clear()
        assert one.supplies.suffice(0)
        one.person.answers.put_nowait("0")
        async with asyncio.timeout(10):
            await one.answered.wait()
        assert one.supplies.suffice(0)
        assert len(one.person.asked) == number
        await one.experiment()
    await one.supplies.closed()
    await lab.store.close()


async def test_a_campaign_that_ends_withdraws_the_question(tmp_path: Path) -> None:
    dry = {"dye": Supply("mL", each=2.0, stock=1.0)}
    lab = await Lab.open(tmp_path, dry)
    one = await lab.campaign(supplies=dry)
    assert one.person is not None
    assert not one.supplies.suffice(0)
    async with asyncio.timeout(10):
        await one.person.was_asked.wait()
        one.supplies.close("asked to stop")
        await one.supplies.closed()
    assert not one.supplies.suffice(0)
    assert one.person.withdrawn == ["asked to stop"]
    await lab.store.close()


async def test_where_nobody_can_be_asked_it_says_what_is_missing(tmp_path: Path) -> None:
    dry = {"dye": Supply("mL", each=2.0, stock=1.0)}
    lab = await Lab.open(tmp_path, dry)
    one = await lab.campaign(supplies=dry, asks=False)
    with pytest.raises(CampaignError, match=r"dye \(1 mL left, 2 needed\); nobody can fill it up"):
        one.supplies.suffice(0)
    await lab.store.close()
