"""Questions of a remote station's steps, put to the people who watch the campaign here."""

import asyncio
import logging
from collections.abc import Callable

from motet.contracts.people import Person
from motet.errors import MotetError
from motet.model.questions import Answer, Question
from motet.remote.messages import QuestionEvent, WithdrawnEvent

_log = logging.getLogger(__name__)
Answered = Callable[[str, int, Answer | None, str], None]
"""Sends an answer: the station's process, the question's number, the answer, or why there is none."""


MOST_REMEMBERED = 1000
"""So many answers are kept, for questions that come once more."""


class RemoteQuestions:
    """Asks `person` each question once, however often it comes."""

    def __init__(self, person: Person | None, answered: Answered) -> None:
        self._person, self._answered = person, answered
        self._asking: dict[tuple[str, int], asyncio.Task[tuple[Answer | None, str]]] = {}

    def ask(self, process: str, event: QuestionEvent) -> None:
        """A question has come, perhaps not for the first time: then its answer got lost, if there is one."""
        key = process, event.number
        task = self._asking.get(key)
        if task is None:
            task = asyncio.create_task(self._ask(event), name=f"question of {event.device}")
            task.add_done_callback(lambda done: self._send(key, done))
            self._asking[key] = task
        elif task.done():
            self._send(key, task)
        while len(self._asking) > MOST_REMEMBERED:
            del self._asking[next(iter(self._asking))]

    def withdraw(self, process: str, event: WithdrawnEvent) -> None:
        """Nobody has to answer it any more."""
        task = self._asking.get((process, event.number))
        if task is not None:
            task.cancel(event.reason or None)

    def withdraw_all(self) -> None:
        """The job that asked is over: what said so may have got lost."""
        for key, task in tuple(self._asking.items()):
            if not task.done():
                del self._asking[key]
                task.cancel()

    async def stop(self) -> None:
        """Withdraw what is open."""
        tasks = [task for task in self._asking.values() if not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _send(self, key: tuple[str, int], task: "asyncio.Task[tuple[Answer | None, str]]") -> None:
        if not task.cancelled():
            self._answered(*key, *task.result())

    async def _ask(self, event: QuestionEvent) -> tuple[Answer | None, str]:
        """The answer, or else why there is none."""
        if self._person is None:
            return None, "nobody can be asked where its orchestrator runs"
        try:
            return await self._person.ask(Question(event.device, event.text, event.form, event.within)), ""
        except MotetError as error:
            _log.warning("%s: %s", event.device, error)
            return None, str(error)
