"""People in a campaign: who answers what a step asks.

`Person` is the seam: a driver asks, and whatever shows questions to people (or stands in for them when a lab is
simulated) answers.
"""

from typing import Protocol

from motet.model.questions import Answer, AnswerForm, Question

__all__ = ["Answer", "AnswerForm", "Person", "Question"]


class Person(Protocol):
    """Somebody who can be asked, or a simulator of one."""

    async def ask(self, question: Question) -> Answer:
        """The answer, after as long as it takes.

        When this is cancelled, the question is withdrawn; the cancellation's message, if any, says why. Whoever takes
        the answer checks it with `question.form.check` and asks again where it is none.
        """
        ...
