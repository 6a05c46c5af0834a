"""The queue of a campaign that runs in this program."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from motet.api.desk import Reply
from motet.api.names import QUEUE
from motet.model.queue import QueueMode
from motet.model.values import Point, Value

Written = Mapping[str, Value]
"""A point or values as a program writes them: numbers in the campaign's units, or text such as `"5 mm"`."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An experiment of the queue that has not begun."""

    number: int
    parameters: Point
    why: str
    who: str


class RunningQueue:
    """`running.queue`: every change is stored when its call returns. From any thread.

    Calls wait until the campaign has started. They raise AnswerProblem for what cannot be done, with what is allowed,
    and when the campaign has ended; NotFound for a number that does not wait; StoreError; TimeoutError after 10 s.
    """

    def __init__(self, ask: Callable[[Mapping[str, Any]], Reply]) -> None:
        self._ask = ask

    @property
    def waiting(self) -> Sequence[Waiting]:
        """What has not begun, the next one first."""
        return [Waiting(**one) for one in self._do("list")["waiting"]]

    @property
    def mode(self) -> QueueMode:
        """When queued experiments are run: before, between or instead of the learner's."""
        return QueueMode(self._do("list")["mode"])

    def add(
        self, *points: Written, priority: int = 0, front: bool = False, why: str = "", who: str = ""
    ) -> Sequence[int]:
        """Queue points, all or none; their numbers. Behind those of the same priority and before those of a lower one;
        with `front` before all others."""
        body = {"points": list(map(dict, points)), "priority": priority, "front": front, "why": why, "who": who}
        return self._do("add", **body)["numbers"]

    def edit(self, number: int, parameters: Written) -> None:
        """Change some parameters of one."""
        self._do("edit", number=number, parameters=dict(parameters))

    def move(self, number: int, place: int) -> None:
        """Make one the `place`-th of those that wait, from 1."""
        self._do("move", number=number, place=place)

    def cancel(self, *numbers: int) -> None:
        """Take some out, all or none."""
        self._do("cancel", numbers=numbers)

    def set_mode(self, mode: QueueMode | str) -> None:
        """Run queued experiments before, between or instead of the learner's from now on."""
        self._do("mode", mode=str(mode))

    def _do(self, do: str, **body: Any) -> Reply:
        return self._ask({"command": QUEUE, "do": do, **body})
