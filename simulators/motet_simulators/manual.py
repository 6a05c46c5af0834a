"""A person who answers what the lab file states, after as long as it says that takes."""

import asyncio
import math
import random
from collections.abc import Iterator
from itertools import cycle
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from motet.contracts.people import Answer, AnswerForm, Question
from motet.contracts.simulation import Clock
from motet.errors import ProcedureError
from motet.files.units import convert

NEEDED = "a campaign with a manual step needs a stated answer or delay"
_TOLD = "answer, answers and normal say what is answered: only one of them is needed"

Stated = Annotated[bool, Field(strict=True)] | Annotated[float, Field(strict=True)] | str
"""An answer as a file states it."""


def _seconds(stated: object) -> float:
    if isinstance(stated, bool) or not isinstance(stated, int | float | str):
        raise ValueError("lab seconds, or a quantity such as '5 min', are needed")
    seconds = convert(stated, "s")
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{stated!r} is no delay: 0 s or more are needed")
    return seconds


class Options(BaseModel):
    """What the person answers, and how long that takes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    answer: Stated | None = None
    """The same answer to every question: a number in the question's unit, text, or true or false."""
    answers: tuple[Stated, ...] | None = Field(default=None, min_length=1)
    """Answers in turn; after the last one the first comes again."""
    normal: tuple[float, Annotated[float, Field(ge=0)]] | None = None
    """Mean and standard deviation of a number; beyond the question's low and high, that bound is answered."""
    delay: Annotated[float, BeforeValidator(_seconds, json_schema_input_type=float | str)] | None = None
    """How long an answer takes, lab time: seconds or a quantity such as `5 min`; 0 when left out."""

    @model_validator(mode="after")
    def _one_way_to_answer(self) -> "Options":
        if sum(way is not None for way in (self.answer, self.answers, self.normal)) > 1:
            raise ValueError(_TOLD)
        return self

    @property
    def stated(self) -> tuple[Answer, ...]:
        """The answers in turn; none when they are drawn, or not stated."""
        return (self.answer,) if self.answer is not None else self.answers or ()


def problem(form: AnswerForm, options: Options) -> str | None:
    """Why questions of that form cannot be answered with these options; None when they can."""
    if not options.stated and options.normal is None:
        if form.answer == "done":
            return None if options.delay is not None else f"{NEEDED}: a `delay`, such as 5 min"
        ways = "`answer`, `answers` or `normal`" if form.answer == "number" else "`answer` or `answers`"
        return f"{NEEDED}: {ways} ({form}), and a `delay` where it takes time"
    if options.normal is not None and form.answer != "number":
        return f"`normal` gives numbers: {form} is needed"
    for answer in options.stated:
        try:
            form.check(answer)
        except ValueError as error:
            return str(error)
    return None


class Manual:
    """A person who answers after a delay: always the same, one of several answers in turn, or a number drawn."""

    def __init__(self, options: Options, world: object, clock: Clock, seed: int) -> None:
        self._options = options
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - noise of a simulator, no secret
        self._stated: Iterator[Answer] = cycle(options.stated)

    async def ask(self, question: Question) -> Answer:
        """What the options state. Raises ProcedureError when they state no answer to such a question."""
        reason = problem(question.form, self._options)
        if reason is not None:
            raise ProcedureError(f"{question.device}: {question.text!r} cannot be answered: {reason}")
        await self._pass(self._options.delay or 0.0)
        return self._answer(question.form)

    def _answer(self, form: AnswerForm) -> Answer:
        if self._options.normal is not None:
            drawn = self._random.gauss(*self._options.normal)
            drawn = drawn if form.low is None else max(drawn, form.low)
            return drawn if form.high is None else min(drawn, form.high)
        return next(self._stated, True)

    async def _pass(self, seconds: float) -> None:
        """Let lab time pass."""
        passed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self._clock.call_later(seconds, _set, passed)
        try:
            await passed
        finally:
            timer.cancel()


def _set(passed: "asyncio.Future[None]") -> None:
    if not passed.done():  # a question that was withdrawn in the same turn of the loop
        passed.set_result(None)
