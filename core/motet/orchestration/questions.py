"""The questions that a campaign's steps ask people: the one place where they wait, whoever shows and answers them."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

from motet.errors import AnswerProblem, ProcedureError, StoreError
from motet.files.units import convert
from motet.model.events import CampaignState, Event, ExperimentEnded, ExperimentStarted
from motet.model.experiment import Experiment
from motet.model.questions import Answer, AnswerForm, Asked, Closed, Question, QuestionState, told
from motet.orchestration.recorder import Recorder
from motet.stamps import wall

_WORDS = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}
_DONE = ("done", "ok", "yes", "y", "true")


@dataclass(frozen=True, slots=True)
class _Waiting:
    asked: Asked
    answer: "asyncio.Future[tuple[Answer, asyncio.Future[None]]]"
    """The answer, and what is done when it is stored."""


class Questions:
    """Somebody who can be asked: the people who watch the campaign (a `motet.contracts.people.Person`).

    Every question and what becomes of it goes to the store and to those who watch. A face (terminal, command, program,
    dashboard) shows `open`, or the events, and calls `answer`. All calls are made on the lab loop.
    """

    def __init__(self) -> None:
        self._recorder: Recorder | None = None
        self._numbers = count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._closed: dict[int, tuple[Asked, Closed]] = {}
        self._experiments: dict[str, Experiment] = {}
        self._why = "its step was stopped"

    def record_with(self, recorder: Recorder, asked: int = 0) -> None:
        """Where questions are kept, from now on; `asked` of them are there already."""
        self._recorder = recorder
        self._numbers = count(asked + 1)

    def see(self, event: Event) -> None:
        """Learn which experiment each station works on; to be one of the recorder's sinks."""
        match event:
            case ExperimentStarted(experiment, station, _):
                self._experiments[station] = experiment
            case ExperimentEnded(_, station, _):
                self._experiments.pop(station, None)
            case _:
                pass

    def on_control(self, state: CampaignState) -> None:
        """Learn why questions are withdrawn from now on; to be told of every change of the campaign's control."""
        if state is CampaignState.ABORTING:
            self._why = "the campaign was aborted"

    @property
    def open(self) -> Sequence[Asked]:
        """What waits for an answer, the oldest question first."""
        return tuple(waiting.asked for waiting in self._waiting.values())

    async def ask(self, question: Question) -> Answer:
        """The answer, once it is stored. A cancellation withdraws the question. Raises StoreError."""
        if self._recorder is None:
            raise ProcedureError(f"{question.device}: {question.text!r} is asked before the campaign has started")
        asked = Asked(next(self._numbers), question, self._experiments.get(question.station), wall())
        waiting = _Waiting(asked, asyncio.get_running_loop().create_future())
        self._waiting[asked.number] = waiting
        try:
            await self._recorder.asked(asked)
            answer, stored = await waiting.answer
        except BaseException as error:
            self._withdraw(asked, error)
            raise
        await asyncio.shield(stored)
        return answer

    async def answer(self, given: object, number: int | None = None) -> tuple[Asked, Answer]:
        """Answer a question, by default the only one that is open; it and the answer as taken, once stored.

        `given` may be text for every form, a number with its unit too. The first answer counts. Raises AnswerProblem
        when there is no such question or that is no answer to it, StoreError.
        """
        waiting = self._find(number)
        asked, form = waiting.asked, waiting.asked.question.form
        try:
            answer = read(given, form)
        except ValueError as error:
            raise AnswerProblem(f"question {asked.number} of {asked.question.device}: {error}") from None
        try:
            stored = self._close(asked, Closed(QuestionState.ANSWERED, answer))
        except StoreError as error:
            waiting.answer.set_exception(error)
            raise
        waiting.answer.set_result((answer, stored))
        await asyncio.shield(stored)
        return asked, answer

    def _find(self, number: int | None) -> _Waiting:
        if number is not None and number in self._waiting:
            return self._waiting[number]
        if number is None and len(self._waiting) == 1:
            return next(iter(self._waiting.values()))
        there = "; ".join(f"{one.number} of {one.question.device}: {one.question.text}" for one in self.open)
        if number is None:
            raise AnswerProblem(f"which question? open are {there}" if there else "no question is open")
        now = f"; open: {there}" if there else "; none is open"
        if number in self._closed:
            asked, closed = self._closed[number]
            raise AnswerProblem(
                f"question {number} of {asked.question.device} {fate(closed, asked.question.form)}{now}"
            )
        raise AnswerProblem(f"there is no question {number}{now}")

    def _withdraw(self, asked: Asked, error: BaseException) -> None:
        """Nobody waits for the answer any more. One that is being stored stays the answer."""
        if asked.number in self._waiting:
            reason = str(error.args[0]) if error.args else self._why
            with suppress(StoreError):  # the store says so at its next write that somebody waits for
                self._close(asked, Closed(QuestionState.WITHDRAWN, reason=reason))

    def _close(self, asked: Asked, closed: Closed) -> "asyncio.Future[None]":
        assert self._recorder is not None, "a question was asked"
        del self._waiting[asked.number]
        self._closed[asked.number] = (asked, closed)
        return _future(self._recorder.closed(asked, closed))


def read(given: object, form: AnswerForm) -> Answer:
    """What somebody wrote as an answer of that form. Raises ValueError, which says what is needed.

    Numbers may have another unit that can be converted (`0.5 g` where mg is asked for). None says that it is done.
    """
    if given is None:
        if form.answer != "done":
            raise ValueError(f"an answer is needed: {form}")
        return True
    if not isinstance(given, str) or form.answer == "text":
        return form.check(given.strip() if isinstance(given, str) else given)
    text = given.strip()
    match form.answer:
        case "number":
            try:
                number = convert(text, form.unit)
            except ValueError as error:
                raise ValueError(f"the answer {given!r} will not do: {form} is needed ({error})") from None
            return form.check(number)
        case "yes_no" if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        case "done" if text.lower() in _DONE:
            return True
        case _:
            needed = "yes or no" if form.answer == "yes_no" else "done"
            raise ValueError(f"the answer {given!r} will not do: {needed} is needed")


def fate(closed: Closed, form: AnswerForm) -> str:
    """In words: `is answered already: 12 g`, `was withdrawn: nobody answered within 30 min`."""
    if closed.answer is not None:
        return f"is answered already: {told(closed.answer, form)}"
    return f"was withdrawn: {closed.reason}"


def _future(write: Awaitable[None]) -> "asyncio.Future[None]":
    future = asyncio.ensure_future(write)
    future.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen: not everybody waits for it
    return future
