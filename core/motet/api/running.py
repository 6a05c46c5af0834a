"""A campaign that runs in the background: wait for it, tell it to end, answer what its steps ask."""

import asyncio
import concurrent.futures
from collections.abc import Mapping, Sequence
from typing import Any

from motet.api.desk import Reply
from motet.api.names import TELL
from motet.api.running_queue import RunningQueue, Written
from motet.api.session import Session
from motet.errors import Aborted
from motet.files.campaign import CampaignFile
from motet.model.questions import Answer, Asked
from motet.orchestration import Summary
from motet.simulation.thread import LoopThread

ANSWERING_S = 10.0
"""How long an answer, or a change of the queue, may take to be stored, seconds, before TimeoutError is raised."""


class Running:
    """One session on a loop that has a thread of its own."""

    def __init__(self, file: CampaignFile, session: Session, loop: LoopThread) -> None:
        self.file = file
        self._session = session
        self._loop = loop
        self._future: concurrent.futures.Future[Summary] = loop.submit(session.run())

    @property
    def campaign(self) -> str:
        """The campaign's id in the store; empty while it is starting."""
        return self._session.campaign

    @property
    def learner_s(self) -> float:
        """Seconds of real time that the learner worked, once the campaign has ended."""
        return self._session.learner_s

    def wait(self, timeout: float | None = None) -> Summary:
        """The summary when the campaign has ended. Raises what ended it before its time, Aborted when it was cancelled
        while it was starting, TimeoutError after `timeout` seconds."""
        try:
            return self._future.result(timeout)
        except (concurrent.futures.CancelledError, asyncio.CancelledError) as error:
            raise Aborted("aborted before the campaign had started; nothing has moved") from error

    def command(self, name: str, reason: str) -> None:
        """pause, resume, stop, abort or leave, from any thread. While it is starting, the last three cancel it."""
        control = self._session.control
        if control is not None:
            self._loop.loop.call_soon_threadsafe(control.command, name, reason)
        elif name in ("stop", "abort", "leave"):
            self._future.cancel()

    @property
    def questions(self) -> Sequence[Asked]:
        """What steps ask people and nobody has answered yet, the oldest question first; from any thread."""
        return self._loop.submit(self._open_questions()).result(ANSWERING_S)

    def answer(self, given: Answer | None, question: int | None = None) -> Answer:
        """Answer a question by its number, by default the only one that is open; from any thread.

        Gives the answer as it was taken: text may say it too (`"12 mg"`, `"yes"`), and None that it is done.
        Raises AnswerProblem.
        """
        return self._loop.submit(self._session.questions.answer(given, question)).result(ANSWERING_S)[1]

    @property
    def queue(self) -> "RunningQueue":
        """The experiments that people add to the campaign; from any thread."""
        return RunningQueue(self._ask)

    def tell(self, parameters: Written, values: Written, *, why: str = "", who: str = "") -> int:
        """Tell the learner a result that it did not ask for, such as one measured by hand; from any thread.

        Numbers may be quantities (`"5 mm"`). Gives the number of the experiment that it became, once that is stored.
        Raises AnswerProblem for what is no point or no value of the campaign, and when that has ended; StoreError.
        """
        result = {"parameters": dict(parameters), "values": dict(values)}
        reply = self._ask({"command": TELL, "results": [result], "why": why, "who": who})
        return int(reply["experiments"][0])

    def _ask(self, request: Mapping[str, Any]) -> Reply:
        """What the campaign replies, once it has started. Raises TimeoutError."""
        future = self._loop.submit(self._session.carry_out(request))
        try:
            return future.result(ANSWERING_S)
        finally:
            future.cancel()

    async def _open_questions(self) -> Sequence[Asked]:
        return self._session.questions.open

    def close(self) -> None:
        """Stop the loop."""
        self._loop.close()
