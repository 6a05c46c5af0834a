"""What a step may ask a person, and what an answer must be. Pure values."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from motet.model.experiment import Experiment

Answer = float | str | bool
"""A number in the question's unit, text, yes (True) or no, or that it is done (True)."""


class AnswerForm(BaseModel):
    """What an answer must be."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    answer: Literal["number", "text", "yes_no", "done"] = "done"
    """What is asked for; `done`: only that something was done."""
    unit: str = ""
    """Of a number."""
    low: float | None = Field(default=None, strict=True)
    """The lowest number that is an answer, in that unit."""
    high: float | None = Field(default=None, strict=True)
    """The highest one."""

    @model_validator(mode="after")
    def _bounds_of_numbers(self) -> "AnswerForm":
        if self.answer != "number" and (self.unit or self.low is not None or self.high is not None):
            raise ValueError(f"unit, low and high go with `answer: number`, not with `answer: {self.answer}`")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f"low = {self.low:g} must be below high = {self.high:g}")
        return self

    def __str__(self) -> str:
        """In the words of a message: `a number in [0, 10] mL`, `text`, `true or false (for yes or no)`."""
        words = {"text": "text", "yes_no": "true or false (for yes or no)", "done": "true (for done)"}
        if self.answer in words:
            return words[self.answer]
        unit = f" {self.unit}" if self.unit else ""
        match self.low, self.high:
            case None, None:
                return f"a number in{unit}" if unit else "a number"
            case None, high:
                return f"a number of at most {high:g}{unit}"
            case low, None:
                return f"a number of at least {low:g}{unit}"
            case low, high:
                return f"a number in [{low:g}, {high:g}]{unit}"

    def check(self, given: object) -> Answer:
        """The answer itself. Raises ValueError, which says what is needed, for one that is none."""
        match given:
            case bool() if self.answer == "yes_no" or (self.answer == "done" and given):
                return given
            case str() if self.answer == "text" and given.strip():
                return given
            case int() | float() if self.answer == "number" and not isinstance(given, bool):
                number = float(given)
                low = -math.inf if self.low is None else self.low
                high = math.inf if self.high is None else self.high
                if math.isfinite(number) and low <= number <= high:
                    return number
            case _:
                pass
        raise ValueError(f"the answer {given!r} will not do: {self} is needed")


@dataclass(frozen=True, slots=True)
class Question:
    """What a step asks: the device that asks (`station-device`), the text, and what the answer must be.

    `within` is how long it waits for an answer, lab time, in the words of the lab file; empty: for as long as it takes.
    """

    device: str
    text: str
    form: AnswerForm
    within: str = ""

    @property
    def station(self) -> str:
        """The station that waits for the answer."""
        return self.device.partition("-")[0]


class QuestionState(StrEnum):
    """What became of a question. `withdrawn`: nobody has to answer it any more."""

    OPEN = "open"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as people see it: with its number in the campaign, the experiment that waits, and when it was asked.

    `at` is in seconds since 1970.
    """

    number: int
    question: Question
    experiment: Experiment | None
    at: float


@dataclass(frozen=True, slots=True)
class Closed:
    """What became of a question: its answer, or why it was withdrawn."""

    state: QuestionState
    answer: Answer | None = None
    reason: str = ""


def told(answer: Answer, form: AnswerForm) -> str:
    """An answer in words: `12.5 g`, `yes`, `done`, or the text."""
    match answer:
        case bool():
            return "done" if form.answer == "done" else "yes" if answer else "no"
        case str():
            return answer
        case _:
            return f"{answer:g} {form.unit}".rstrip()
