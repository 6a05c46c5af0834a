"""Whoever is asked by the stations of one process: each by its own way."""

from collections.abc import Mapping

from motet.model.questions import Answer, Question
from motet.remote.person import RemotePerson


class People:
    """Asks through the station that the asking device belongs to (a `motet.contracts.people.Person`)."""

    def __init__(self, people: Mapping[str, RemotePerson]) -> None:
        self._people = people

    async def ask(self, question: Question) -> Answer:
        """The answer of the people at that station's orchestrator."""
        return await self._people[question.station].ask(question)
