"""Experiments that people queue, and results that they measured themselves, in the loop of a campaign."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from motet.contracts.belief import Data, Predict, Prediction
from motet.contracts.declarations import Declaration
from motet.errors import NotFound, StoreError
from motet.hookspecs import hookimpl
from motet.model.campaign import Budget, LearnerConfig
from motet.model.events import CampaignState, Event, ExperimentEnded, ExperimentStarted
from motet.model.experiment import State, Suggestion
from motet.model.queue import QueueMode, QueueState
from motet.model.values import PluginRef
from motet.orchestration import Recorder
from motet.orchestration.queue import Queue, stored_queue
from motet.plugins import load
from motet.store import CampaignRecord, Reader, Stamp, Store
from motet.store.check import check_store


class Line:
    """The queue of a campaign that is not run, with a real store."""

    def __init__(self, path: Path, store: Store, campaign: str) -> None:
        self.path, self.store, self.campaign = path, store, campaign
        self.queue = Queue(Recorder(store, campaign))

    async def add(self, *values: float, **options: Any) -> Sequence[int]:
        return await self.queue.add([{"x": value} for value in values], **options)

    @property
    def waiting(self) -> list[Any]:
        """The points in their order, here; in the store they are the same."""
        here = [(one.number, one.entry) for one in self.queue.waiting]
        stored = stored_queue(Reader(self.path), self.campaign)
        assert [(one.number, one.entry) for one in stored.waiting] == here
        assert stored.mode is self.queue.mode
        return [entry.parameters["x"] for _, entry in here]


@pytest.fixture
async def line(tmp_path: Path) -> AsyncGenerator[Line]:
    path = tmp_path / "motet.db"
    store = await Store.open(path)
    record = CampaignRecord("test", "soft", {}, {}, 1, ("cell",), {}, {"x": {}}, Stamp(0.0, 0.0))
    yield Line(path, store, await store.new_campaign(record))
    await store.close()


async def test_the_higher_priority_goes_first_and_equal_ones_in_their_order(line: Line) -> None:
    await line.add(1, 2)
    await line.add(3, priority=5)
    await line.add(4, 5, priority=-1)
    await line.add(6)
    assert line.waiting == [3, 1, 2, 6, 4, 5]
    await line.add(7, 8, front=True)
    await line.add(9, priority=5)
    assert line.waiting == [7, 8, 3, 9, 1, 2, 6, 4, 5]


async def test_a_move_gives_the_place_however_often(line: Line) -> None:
    numbers = list(await line.add(*range(5)))
    await line.queue.move(numbers[4], 2)
    assert line.waiting == [0, 4, 1, 2, 3]
    await line.queue.move(numbers[0], 99)
    assert line.waiting == [4, 1, 2, 3, 0]
    for _ in range(120):  # halves the room between the first two each time
        await line.queue.move(line.queue.waiting[-1].number, 2)
    order = [4, 1, 2, 3, 0]
    for _ in range(120):
        order.insert(1, order.pop())
    assert line.waiting == order
    await line.add(5)
    assert line.waiting == [*order, 5]


async def test_what_was_edited_or_cancelled_cannot_begin_as_it_was(line: Line) -> None:
    first, second, third = await line.add(1, 2, 3)
    changes = [
        asyncio.ensure_future(line.queue.edit(first, {"x": 10})),
        asyncio.ensure_future(line.queue.cancel([second])),
    ]
    await asyncio.sleep(0)  # one turn: they have begun, and are not stored yet
    assert not any(change.done() for change in changes)
    taken = [line.queue.take(), line.queue.take(), line.queue.take()]
    assert [one.entry.parameters["x"] for one in taken if one] == [10, 3]
    await asyncio.gather(*changes)
    rows = {row.number: row for row in Reader(line.path).queue("test")}
    assert (rows[first].entry.parameters, rows[second].state) == ({"x": 10}, QueueState.CANCELLED)
    for late in (line.queue.edit(third, {"x": 4}), line.queue.move(third, 1), line.queue.cancel([third])):
        with pytest.raises(NotFound, match=f"no experiment {third} waits in the queue .*; waiting: none"):
            await late


async def test_several_are_cancelled_all_or_none(line: Line) -> None:
    first, second = await line.add(1, 2)
    with pytest.raises(NotFound, match=f"no experiment 77 waits .* waiting: {first}, {second}"):
        await line.queue.cancel([first, 77])
    assert line.waiting == [1, 2]


async def test_a_change_that_cannot_be_stored_is_not_made(line: Line) -> None:
    (first,) = await line.add(1)
    await line.queue.set_mode(QueueMode.BETWEEN)
    await line.store.close()
    for change in (line.queue.cancel([first]), line.queue.edit(first, {"x": 2}), line.queue.set_mode(QueueMode.BEFORE)):
        with pytest.raises(StoreError):
            await change
    assert line.waiting == [1]


class Hand:
    """A person beside a campaign: acts while measurement number `at` is under way, and lets it end then."""

    def __init__(self, lab: Any, at: int, act: Any) -> None:
        self.lab, self.at, self.act = lab, at, act
        self.calls = 0
        self.reached, self.done = asyncio.Event(), asyncio.Event()
        self.true = lab.measured
        lab.measured, lab.beside = self.measured, self.beside

    async def measured(self, x: float) -> float:
        self.calls += 1
        if self.calls == self.at:
            self.reached.set()
            await self.done.wait()
        return self.true(x)

    async def beside(self, lab: Any) -> None:
        await self.reached.wait()
        await self.act(lab)
        self.done.set()
        await asyncio.Event().wait()


def kinds(lab: Any) -> str:
    """Who wanted each experiment, in their order: Q for the queue, T for told, L for the learner."""
    rows = lab.reader.experiments("test-1")
    return "".join({"q": "Q", "t": "T"}.get(row.suggestion.id[:1], "L") for row in rows)


@pytest.mark.parametrize(("mode", "order"), [("before", "LQQQLL"), ("between", "LQLQLQ")])
def test_queued_experiments_are_run_before_or_between_the_learners(lab: Any, mode: str, order: str) -> None:
    async def act(lab: Any) -> None:
        await lab.queue.set_mode(QueueMode(mode))
        await lab.queue.add([{"x": 18.0}, {"x": 19.0}, {"x": 20.0}], who="Ada", why="the corner")

    lab.budget = Budget(experiments=6)
    Hand(lab, 1, act)
    summary = lab.run()
    assert (summary.experiments, summary.failed) == (6, 0)
    assert kinds(lab) == order
    rows = [row for row in lab.reader.experiments("test-1") if row.suggestion.id.startswith("queue")]
    assert [row.parameters["x"] for row in rows] == [18, 19, 20]
    assert {row.suggestion.why for row in rows} == {"queued by Ada: the corner"}
    assert [(row.state, row.experiment) for row in lab.reader.queue("test")] == [("begun", row.id) for row in rows]
    assert not check_store(lab.path)


def test_instead_of_the_learner_only_queued_ones_are_run_until_somebody_says_otherwise(lab: Any) -> None:
    async def act(lab: Any) -> None:
        await lab.queue.set_mode(QueueMode.INSTEAD)
        await lab.queue.add([{"x": 18.0}])
        lab.later = asyncio.ensure_future(later(lab))

    async def later(lab: Any) -> None:
        while sum(isinstance(event, ExperimentEnded) for event in lab.events) < 2:
            await lab.news.wait()
            lab.news.clear()
        assert not lab.queue.waiting
        await lab.queue.add([{"x": 19.0}])
        await lab.queue.set_mode(QueueMode.BEFORE)

    def hear(event: Event) -> None:
        lab.news.set()

    lab.news, lab.on_event = asyncio.Event(), hear
    lab.budget = Budget(experiments=5)
    Hand(lab, 1, act)
    assert lab.run().experiments == 5
    assert kinds(lab) == "LQQLL"


class Model:
    """Somebody changes the mode while it is fitted for the first time, the trial at the start aside."""

    changes: ClassVar[list[Callable[[], object]]] = []
    """What is done at each of the next fits."""

    def __init__(self, options: object) -> None:
        pass

    def fit(self, data: Data, seed: int) -> Predict:
        if self.changes:
            self.changes.pop(0)()
        return lambda pool: Prediction(np.zeros(len(pool)), np.ones(len(pool)))


class Plugin:
    """Brings the model."""

    @hookimpl
    def motet_surrogates(self) -> Iterable[Declaration]:
        """The one."""
        return [Declaration("interrupted", Model)]


def test_what_the_learner_was_choosing_when_the_mode_changed_is_not_measured(lab: Any) -> None:
    changed, begun, ended = asyncio.Event(), asyncio.Event(), list[int]()

    def on_event(event: object) -> None:
        if isinstance(event, ExperimentStarted) and event.experiment.parameters["x"] == 20.0:
            begun.set()

    async def instead() -> None:
        ended.append(sum(isinstance(event, ExperimentEnded) for event in lab.events))
        await lab.queue.set_mode(QueueMode.INSTEAD)
        changed.set()

    async def beside(lab: Any) -> None:
        loop = asyncio.get_running_loop()
        Model.changes[:] = [str, lambda: asyncio.run_coroutine_threadsafe(instead(), loop).result(10)]
        await changed.wait()
        await lab.queue.add([{"x": 20.0}])
        await begun.wait()  # what the learner was choosing is there by now
        await lab.queue.set_mode(QueueMode.BEFORE)

    lab.registry, lab.on_event = load(), on_event
    lab.registry.manager.register(Plugin(), name="test:interrupted")
    exclude, random = PluginRef(name="exclude"), PluginRef(name="random")
    lab.learner = LearnerConfig(surrogate=PluginRef(name="interrupted"), acquisition=random, pending=exclude)
    lab.fresh, lab.beside, lab.budget = True, beside, Budget(experiments=14)
    lab.run()
    (at,) = ended
    assert 0 < at < 13
    assert kinds(lab) == "L" * at + "Q" + "L" * (13 - at)


def test_a_campaign_that_waits_for_people_ends_when_its_time_is_used_up(lab: Any) -> None:
    async def act(lab: Any) -> None:
        await lab.queue.set_mode(QueueMode.INSTEAD)

    lab.budget = Budget(hours=1 / 3600)
    Hand(lab, 1, act)
    summary = lab.run()
    assert (summary.state, summary.experiments) == (CampaignState.FINISHED, 1)
    assert "is used up" in summary.reason


def test_a_learner_with_no_point_left_does_not_end_what_is_queued(lab: Any) -> None:
    async def act(lab: Any) -> None:
        await lab.queue.set_mode(QueueMode.BETWEEN)
        await lab.queue.add([{"x": 3.0}, {"x": 4.0}, {"x": 5.0}])

    Hand(lab, 21, act)
    summary = lab.run()
    assert (summary.experiments, summary.reason) == (24, "no point is left to measure")
    assert kinds(lab) == "L" * 21 + "QQQ"


def test_where_the_budget_ends_what_waits_stays_in_the_queue(lab: Any) -> None:
    async def act(lab: Any) -> None:
        assert lab.loop.over == ""
        await lab.queue.add([{"x": 18.0}, {"x": 19.0}])

    lab.budget = Budget(experiments=2)
    Hand(lab, 1, act)
    lab.run()
    assert [row.state for row in lab.reader.queue("test")] == [QueueState.BEGUN, QueueState.QUEUED]
    assert lab.loop.over == "it has ended"


def test_the_queue_is_the_same_after_a_crash(lab: Any, make_lab: Any, tmp_path: Path) -> None:
    async def act(lab: Any) -> None:
        first, second, _, last = await lab.queue.add([{"x": float(x)} for x in (17, 18, 19, 20)])
        await lab.queue.move(last, 1)
        await lab.queue.edit(first, {"x": 16.0})
        await lab.queue.cancel([second])
        await lab.queue.set_mode(QueueMode.BETWEEN)

    lab.budget, image = Budget(experiments=6), tmp_path / "image.db"
    hand = Hand(lab, 1, act)
    true = hand.true

    def keeping(x: float) -> float:
        if hand.calls == 2:
            keep(lab.path, image)
        return true(x)

    hand.true = keeping
    lab.run()
    again = make_lab(image, goes_on=True, budget=lab.budget)
    again.run()
    for one in (lab, again):
        assert kinds(one) == "LQLQLQ"
        rows = [row.parameters["x"] for row in one.reader.experiments("test-1") if row.suggestion.id[0] == "q"]
        assert rows == [20, 16, 19]
        assert [row.state for row in one.reader.queue("test")].count(QueueState.CANCELLED) == 1
        assert not check_store(one.path)


@pytest.mark.parametrize("fresh", [True, False])
def test_a_told_result_reaches_the_learner_and_a_replay_goes_on_alike(
    lab: Any, make_lab: Any, tmp_path: Path, fresh: bool
) -> None:
    async def act(lab: Any) -> None:
        number, stored = lab.loop.tell(Suggestion({"x": 16.0}, "measured by Ada"), {"y": 9.0})
        assert number == 6
        await stored

    lab.fresh, lab.budget, image = fresh, Budget(experiments=12), tmp_path / "image.db"
    hand = Hand(lab, 5, act)
    true = hand.true

    def keeping(x: float) -> float:
        if hand.calls == 8:
            keep(lab.path, image)
        return true(x)

    hand.true = keeping
    summary = lab.run()
    assert (summary.experiments, summary.best.parameters) == (12, {"x": 16.0})
    rows = lab.reader.experiments("test-1")
    (told,) = [row for row in rows if row.suggestion.id == "told-6"]
    assert (told.state, told.values, told.attempts, told.station) == (State.DONE, {"y": 9.0}, (), None)
    assert [row.parameters["x"] for row in rows].count(16.0) == 1, "the learner knows what was measured"
    assert "measure 16" not in lab.gauges[0].calls
    again = make_lab(image, fresh=fresh, goes_on=True, budget=lab.budget)
    again.run()
    assert [(row.parameters, row.suggestion.id) for row in again.reader.experiments("test-1")] == [
        (row.parameters, row.suggestion.id) for row in rows
    ]
    assert not check_store(image)


def test_a_told_result_can_be_what_a_stop_rule_waits_for(lab: Any) -> None:
    async def act(lab: Any) -> None:
        await lab.loop.tell(Suggestion({"x": 7.0}, "measured by hand"), {"y": 5.0})[1]

    lab.stop = (PluginRef(name="target_reached", options={"value": 5.0}),)
    Hand(lab, 2, act)
    summary = lab.run()
    assert (summary.state, summary.experiments, summary.reached) == (CampaignState.FINISHED, 3, 2)
    assert summary.best.values == {"y": 5.0}
    assert sum(isinstance(event, ExperimentStarted) for event in lab.events) == 2


def keep(path: Path, image: Path) -> None:
    """What is on the disk now, as a crash would leave it."""
    with sqlite3.connect(path) as now, sqlite3.connect(image) as kept:
        now.backup(kept)
    now.close()
    kept.close()
