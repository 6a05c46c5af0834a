"""A step that a person does: the device asks, somebody answers.

What the answer is, the device's options say; so a lab has one such device for each thing that is asked for. A question
waits for as long as nobody answers it, since only people know how long they take; pausing and aborting the campaign
work meanwhile. Verified against the simulated person only: there is no face for questions yet.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, field_validator

from motet.contracts.people import AnswerForm, Question
from motet.devices import Context, Device, Output, VerbSpec, verb
from motet.devices.signals import Dtype
from motet.errors import ConnectionProblem, GarbledReply
from motet.files.units import problem

_DTYPES: Mapping[str, Dtype] = {"number": "number", "text": "string", "yes_no": "boolean", "done": "boolean"}


class Options(AnswerForm):
    """What the answer must be."""

    @field_validator("unit")
    @classmethod
    def _is_known(cls, unit: str) -> str:
        reason = problem(unit) if unit else None
        if reason is not None:
            raise ValueError(reason)
        return unit


class Manual(Device):
    """A person who is asked a question, or asked to do something."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        assert isinstance(context.options, Options)
        self._form = context.options

    @classmethod
    def verbs_for(cls, options: BaseModel) -> Mapping[str, VerbSpec]:
        """`ask`, whose output is what the options say."""
        assert isinstance(options, Options)
        answer = Output(options.unit, _DTYPES[options.answer])
        ask = super().verbs_for(options)["ask"]
        return {"ask": replace(ask, outputs={"answer": answer})}

    async def open(self) -> None:
        """Make sure that somebody can be asked. Raises ConnectionProblem when nobody can."""
        if self.context.person is None:
            raise ConnectionProblem(
                f"{self.name}: nobody can be asked: this version of Motet has no face for questions to people yet; "
                f"a lab with `hardware: simulated` answers them with what its file states"
            )

    async def identity(self) -> str:
        """Nobody in particular."""
        return "a person"

    @verb(outputs={"answer": Output()})
    async def ask(self, question: str) -> Mapping[str, Any]:
        """Ask a person, and wait for the answer. `stop` withdraws the question."""
        person = self.context.person
        if person is None:
            raise ConnectionProblem(f"{self.name}: nobody can be asked")
        given = await person.ask(Question(self.name, question, self._form))
        try:
            return {"answer": self._form.check(given)}
        except ValueError as error:
            raise GarbledReply(f"{self.name}: {question!r}: {error}") from error
