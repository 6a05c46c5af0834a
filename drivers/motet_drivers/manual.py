"""A step that a person does: the device asks, somebody answers.

What the answer is, the device's options say; so a lab has one such device for each thing that is asked for. A question
waits for as long as the option `timeout` says, and without it until somebody answers, since only people know how long
they take; pausing and aborting the campaign work meanwhile.
"""

import asyncio
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import BaseModel, field_validator

from motet.contracts.people import Answer, AnswerForm, Person, Question
from motet.devices import Context, Device, Output, VerbSpec, Verified, verb
from motet.devices.signals import Dtype
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, ProcedureError
from motet.files.units import convert, problem
from motet.model.values import Bound

_DTYPES: Mapping[str, Dtype] = {"number": "number", "text": "string", "yes_no": "boolean", "done": "boolean"}


class Options(AnswerForm):
    """What the answer must be, and how long a question waits for it."""

    timeout: Bound | None = None
    """The longest time that a question waits: seconds, or a quantity such as `30 min`; then the experiment fails. None:
    until it is answered."""

    @field_validator("unit")
    @classmethod
    def _is_known(cls, unit: str) -> str:
        reason = problem(unit) if unit else None
        if reason is not None:
            raise ValueError(reason)
        return unit

    @field_validator("timeout")
    @classmethod
    def _is_time(cls, timeout: Bound | None) -> Bound | None:
        if timeout is not None and not 0 < convert(timeout, "s") < math.inf:
            raise ValueError(f"{timeout!r} is no time to wait: one above 0 s is needed")
        return timeout

    @property
    def within(self) -> str:
        """The longest time in words; empty without one."""
        return self.timeout if isinstance(self.timeout, str) else "" if self.timeout is None else f"{self.timeout:g} s"

    @property
    def form(self) -> AnswerForm:
        """What the answer must be, alone."""
        return AnswerForm(answer=self.answer, unit=self.unit, low=self.low, high=self.high)


class Manual(Device):
    """A person who is asked a question, or asked to do something."""

    verified: ClassVar[Verified] = Verified(manuals=(), drivers=("a person at a pseudo-terminal", "`motet answer`"))

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        assert isinstance(context.options, Options)
        self._options = context.options
        self._form = context.options.form
        self._asking: set[asyncio.Task[Answer]] = set()

    @classmethod
    def verbs_for(cls, options: BaseModel) -> Mapping[str, VerbSpec]:
        """`ask`, whose output is what the options say."""
        assert isinstance(options, Options)
        answer = Output(options.unit, _DTYPES[options.answer])
        ask = super().verbs_for(options)["ask"]
        return {"ask": replace(ask, outputs={"answer": answer})}

    async def open(self) -> None:
        """Make sure that somebody can be asked. Raises ConnectionProblem when nobody can."""
        self._person()

    async def stop(self, success: bool = True) -> None:
        """Withdraw what is asked."""
        for asking in tuple(self._asking):
            asking.cancel()

    async def safe(self) -> None:
        """Withdraw what is asked. What people do cannot be stopped from here."""
        await self.stop()

    async def identity(self) -> str:
        """Nobody in particular."""
        return "a person"

    @verb(outputs={"answer": Output()})
    async def ask(self, question: str) -> Mapping[str, Any]:
        """Ask a person, and wait for the answer. `stop` withdraws the question.

        Raises ProcedureError when nobody answers within the option `timeout`, InstrumentError when it is stopped.
        """
        within = self._options.within
        asked = Question(self.name, question, self._form, within)
        longest = convert(within, "s") / self.context.scale if within else None
        asking = asyncio.ensure_future(self._person().ask(asked))
        self._asking.add(asking)
        try:
            await asyncio.wait([asking], timeout=longest)
            late = asking.cancel(f"nobody answered within {within}")  # False for what has ended
            if late:
                await asyncio.wait([asking])
            if asking.cancelled():
                raise (
                    ProcedureError(f"{self.name}: nobody answered {question!r} within {within}")
                    if late
                    else InstrumentError(f"{self.name}: {question!r} is withdrawn: the device was stopped")
                )
            return {"answer": self._form.check(asking.result())}
        except ValueError as error:
            raise GarbledReply(f"{self.name}: {question!r}: {error}") from error
        finally:
            self._asking.discard(asking)
            if asking.cancel():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([asking])

    def _person(self) -> Person:
        if self.context.person is None:
            raise ConnectionProblem(
                f"{self.name}: nobody can be asked: there is no terminal, and `broker: none` keeps "
                f"`motet answer` away; a lab with `hardware: simulated` answers with what its file states"
            )
        return self.context.person
