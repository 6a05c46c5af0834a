"""Questions to people: asked, shown, answered, withdrawn and kept, whoever shows them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from motet.errors import AnswerProblem, ProcedureError, StoreError
from motet.model.events import CampaignState, Event, ExperimentEnded, ExperimentStarted, QuestionAsked, QuestionClosed
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.questions import Answer, AnswerForm, Question, QuestionState, told
from motet.orchestration import Questions, Recorder
from motet.orchestration.questions import read
from motet.store import CampaignRecord, Reader, Stamp, Store

GRAMS = AnswerForm(answer="number", unit="g", low=0, high=10)


class Desk:
    """The questions of a campaign with a real store, and what those who watch hear."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events: list[Event] = []
        self.news = asyncio.Event()
        self.questions = Questions()

    async def open(self) -> None:
        self.store = await Store.open(self.path)
        record = CampaignRecord("test", "bench", {}, {}, 1, ("cell",), {}, {"x": {}}, Stamp(0.0, 0.0))
        campaign = await self.store.new_campaign(record)
        self.recorder = Recorder(self.store, campaign, [self.questions.see, self.hear])
        self.questions.record_with(self.recorder)

    def hear(self, event: Event) -> None:
        self.events.append(event)
        self.news.set()

    def ask(
        self, text: str = "How much?", form: AnswerForm = GRAMS, device: str = "cell-scales"
    ) -> "asyncio.Task[Any]":
        return asyncio.ensure_future(self.questions.ask(Question(device, text, form)))

    @property
    def rows(self) -> list[Any]:
        return Reader(self.path).questions("test")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[Desk]:
    made = Desk(tmp_path / "motet.db")
    await made.open()
    yield made
    with suppress(StoreError):
        await made.store.close()


async def asked(desk: Desk, count: int) -> None:
    async with asyncio.timeout(5):
        while len(desk.questions.open) < count:
            desk.news.clear()
            await desk.news.wait()


async def test_an_answer_reaches_the_step_and_the_store(desk: Desk) -> None:
    experiment = Experiment("test-1", 1, Suggestion({"x": 5.0}, "why"))
    await desk.recorder.planned(experiment)
    await desk.recorder.running(experiment, "cell", 1)
    asking = desk.ask()
    await asked(desk, 1)
    (one,) = desk.questions.open
    assert (one.number, one.question.text, one.experiment) == (1, "How much?", experiment)
    await desk.questions.answer("2.5")
    assert await asking == 2.5
    assert not desk.questions.open
    (row,) = desk.rows
    assert (row.question, row.experiment, row.parameters) == (one.question, 1, {"x": 5.0})
    assert (row.closed.state, row.closed.answer) == (QuestionState.ANSWERED, 2.5)
    assert row.ended.elapsed >= row.asked.elapsed
    kinds = [type(event) for event in desk.events]
    assert kinds == [ExperimentStarted, QuestionAsked, QuestionClosed]


async def test_what_waits_is_in_the_store_while_it_does(desk: Desk) -> None:
    asking = desk.ask()
    await asked(desk, 1)
    await desk.recorder.campaign_changed(CampaignState.RUNNING)  # later in the queue of the writer
    assert [row.closed.state for row in desk.rows] == [QuestionState.OPEN]
    asking.cancel()
    await asyncio.wait([asking])


async def test_several_stations_ask_at_once_and_are_answered_in_any_order(desk: Desk) -> None:
    tasks = [desk.ask(device=f"cell{number}-scales") for number in (1, 2, 3)]
    await asked(desk, 3)
    with pytest.raises(AnswerProblem, match=r"which question\? open are 1 of cell1-scales: How much\?; 2 of cell2"):
        await desk.questions.answer(1)
    await desk.questions.answer(2, 2)
    await desk.questions.answer(3, 3)
    await desk.questions.answer(1)
    assert [await task for task in tasks] == [1, 2, 3]
    assert [row.closed.answer for row in desk.rows] == [1, 2, 3]


async def test_the_first_answer_counts(desk: Desk) -> None:
    asking = desk.ask()
    await asked(desk, 1)
    both = await asyncio.gather(desk.questions.answer(1, 1), desk.questions.answer(2, 1), return_exceptions=True)
    assert await asking == 1
    assert isinstance(both[1], AnswerProblem)
    assert str(both[1]) == "question 1 of cell-scales is answered already: 1 g; none is open"


@pytest.mark.parametrize("given", ["eleven", "11", 11, "5 mm", True, "", "nan", None], ids=repr)
async def test_what_is_no_answer_leaves_the_question_open(desk: Desk, given: Any) -> None:
    asking = desk.ask()
    await asked(desk, 1)
    with pytest.raises(AnswerProblem, match=r"question 1 of cell-scales: .*a number in \[0, 10\] g") as caught:
        await desk.questions.answer(given)
    assert "\n" not in str(caught.value)
    assert len(desk.questions.open) == 1
    await desk.questions.answer("500 mg")
    assert await asking == 0.5


async def test_a_cancelled_step_withdraws_its_question(desk: Desk) -> None:
    asking = desk.ask()
    await asked(desk, 1)
    asking.cancel("nobody answered within 30 min")
    with pytest.raises(asyncio.CancelledError):
        await asking
    with pytest.raises(AnswerProblem, match="question 1 of cell-scales was withdrawn: nobody answered within 30 min"):
        await desk.questions.answer(5, 1)
    with pytest.raises(AnswerProblem, match="no question is open"):
        await desk.questions.answer(5)
    with pytest.raises(AnswerProblem, match="there is no question 7; none is open"):
        await desk.questions.answer(5, 7)
    await desk.recorder.campaign_changed(CampaignState.RUNNING)
    (row,) = desk.rows
    assert (row.closed.state, row.closed.reason) == (QuestionState.WITHDRAWN, "nobody answered within 30 min")


async def test_an_aborted_campaign_is_why_its_questions_are_withdrawn(desk: Desk) -> None:
    asking = desk.ask()
    await asked(desk, 1)
    desk.questions.on_control(CampaignState.ABORTING)
    asking.cancel()
    await asyncio.wait([asking])
    closed = desk.events[-1]
    assert isinstance(closed, QuestionClosed)
    assert closed.closed.reason == "the campaign was aborted"


async def test_a_question_after_an_experiment_belongs_to_none(desk: Desk) -> None:
    experiment = Experiment("test-1", 1, Suggestion({"x": 5.0}, "why"))
    await desk.recorder.planned(experiment)
    await desk.recorder.running(experiment, "cell", 1)
    desk.questions.see(ExperimentEnded(Outcome(experiment, State.DONE), "cell", 1.0))
    asking = desk.ask(form=AnswerForm())
    await asked(desk, 1)
    await desk.questions.answer(None)
    assert await asking is True
    assert desk.rows[0].experiment is None


async def test_an_answer_that_cannot_be_stored_fails_the_step_and_whoever_answers(desk: Desk) -> None:
    asking = desk.ask()
    await asked(desk, 1)
    await desk.recorder.campaign_changed(CampaignState.RUNNING)
    await desk.store.close()
    with pytest.raises(StoreError):
        await desk.questions.answer(5)
    with pytest.raises(StoreError):
        await asking


async def test_before_a_campaign_has_started_nobody_can_be_asked() -> None:
    with pytest.raises(ProcedureError, match=r"cell-scales: 'How much\?' is asked before"):
        await Questions().ask(Question("cell-scales", "How much?", GRAMS))


@pytest.mark.parametrize(
    ("form", "given", "answer", "words"),
    [
        (GRAMS, "2.5", 2.5, "2.5 g"),
        (GRAMS, " 2.5 g ", 2.5, "2.5 g"),
        (GRAMS, "500 mg", 0.5, "0.5 g"),
        (AnswerForm(answer="number"), "-1e3", -1000.0, "-1000"),
        (AnswerForm(answer="text"), " dark blue ", "dark blue", "dark blue"),
        (AnswerForm(answer="text"), "12", "12", "12"),
        (AnswerForm(answer="yes_no"), "Y", True, "yes"),
        (AnswerForm(answer="yes_no"), "no", False, "no"),
        (AnswerForm(answer="yes_no"), False, False, "no"),
        (AnswerForm(), "done", True, "done"),
        (AnswerForm(), True, True, "done"),
        (AnswerForm(), None, True, "done"),
    ],
    ids=repr,
)
def test_what_people_write_becomes_what_is_asked_for(form: AnswerForm, given: Any, answer: Answer, words: str) -> None:
    assert read(given, form) == answer
    assert told(answer, form) == words


@pytest.mark.parametrize(
    ("form", "given", "needed"),
    [
        (AnswerForm(answer="number"), "5 mm", "a number is needed"),
        (AnswerForm(answer="text"), "  ", "text is needed"),
        (AnswerForm(answer="yes_no"), "maybe", "yes or no is needed"),
        (AnswerForm(answer="yes_no"), None, "an answer is needed: true or false"),
        (AnswerForm(), "no", "done is needed"),
        (AnswerForm(), "", "done is needed"),
    ],
    ids=repr,
)
def test_other_words_are_refused_with_what_is_needed(form: AnswerForm, given: Any, needed: str) -> None:
    with pytest.raises(ValueError, match=needed):
        read(given, form)
