"""Somebody who can be asked from a remote station: the people at its orchestrator."""

import asyncio
from itertools import count

from motet.errors import ProcedureError
from motet.model.questions import Answer, Question
from motet.remote.messages import AnswerQuestion, QuestionEvent, WithdrawnEvent, clean
from motet.remote.news import News

FIRST_S, LONGEST_S = 2.0, 30.0
"""Pause before a question is sent a second time, and before any later time; each pause is twice the one before."""


class RemotePerson:
    """Asks over the bus (a `motet.contracts.people.Person`). A question stays open while no orchestrator is there,
    until whoever asks gives up."""

    def __init__(self) -> None:
        self._news: News | None = None
        self._numbers = count(1)
        self._open: dict[int, tuple[QuestionEvent, asyncio.Future[Answer]]] = {}

    def through(self, news: News) -> None:
        """Where questions go out, from now on."""
        self._news = news

    async def ask(self, question: Question) -> Answer:
        """The answer. A cancellation withdraws the question. Raises ProcedureError when nobody can be asked there."""
        if self._news is None:
            raise ProcedureError(f"{question.device}: {question.text!r} is asked before the station has started")
        number = next(self._numbers)
        event = QuestionEvent(
            number=number, device=question.device, text=question.text, form=question.form, within=question.within
        )
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._open[number] = event, answer
        try:
            pause = FIRST_S
            while not answer.done():
                self._news.tell(event)
                await asyncio.wait([answer], timeout=pause)
                pause = min(2 * pause, LONGEST_S)
            return answer.result()
        except asyncio.CancelledError as error:
            self._news.tell(
                WithdrawnEvent(number=number, reason=clean(str(error.args[0])[:5000]) if error.args else "")
            )
            raise
        finally:
            del self._open[number]

    def again(self) -> None:
        """Somebody new is there to be asked."""
        if self._news is not None:
            for event, _ in self._open.values():
                self._news.tell(event)

    def take(self, given: AnswerQuestion) -> None:
        """An answer has come; one to a question that is not open any more is passed over."""
        if given.question not in self._open:
            return
        event, answer = self._open[given.question]
        if answer.done():
            return
        if given.answer is None:
            answer.set_exception(ProcedureError(f"{event.device}: {event.text!r} cannot be answered: {given.reason}"))
        else:
            answer.set_result(given.answer)
