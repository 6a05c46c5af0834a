"""People in a campaign: what a step may ask one of them, and who answers.

`Person` is the seam: a driver asks, and whatever shows questions to people (or stands in for them when a lab is
simulated) answers.
"""

import math
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
    """What a step asks: the device that asks (`station-device`), the text, and what the answer must be."""

    device: str
    text: str
    form: AnswerForm


class Person(Protocol):
    """Somebody who can be asked, or a simulator of one."""

    async def ask(self, question: Question) -> Answer:
        """The answer, after as long as it takes. When this is cancelled, the question is withdrawn.

        Whoever takes the answer checks it with `question.form.check` and asks again where it is none.
        """
        ...
