"""Where people bring experiments to a campaign's queue, and results measured by hand, to be checked and carried out.

The same for a campaign that runs and for one that waits in the store to go on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from motet.api.names import TELL
from motet.api.points import each, read_point, read_values
from motet.errors import AnswerProblem
from motet.model.experiment import Suggestion
from motet.model.objective import Objective, OutcomeConstraint
from motet.model.queue import HIGHEST, QueueMode
from motet.model.space import Space
from motet.model.values import Frozen, Value
from motet.orchestration.queue import Queue, Queued

MOST = 10_000
"""So many points may come in one request."""

Reply = Mapping[str, Any]
Written = dict[str, Value]
"""A point or a result as somebody wrote it: numbers, or text with units."""
Tell = Callable[[Suggestion, dict[str, float]], tuple[int, Awaitable[object]]]
"""Takes a result in under the next number of the campaign; that number, and what is done when it is stored."""
R = TypeVar("R")
_Words = Annotated[str, Field(max_length=1000)]


class Add(Frozen):
    """Further experiments, all or none."""

    do: Literal["add"]
    points: tuple[Written, ...] = Field(min_length=1, max_length=MOST)
    priority: int = Field(default=0, ge=-HIGHEST, le=HIGHEST)
    """The higher, the sooner."""
    front: bool = False
    """Before all others, whatever their priority."""
    why: _Words = ""
    who: _Words = ""


class Edit(Frozen):
    """Other values for some parameters of one."""

    do: Literal["edit"]
    number: int
    parameters: Written = Field(min_length=1)


class Move(Frozen):
    """Another place in the line, from 1."""

    do: Literal["move"]
    number: int
    place: int = Field(ge=1)


class Cancel(Frozen):
    """Take some out, all or none."""

    do: Literal["cancel"]
    numbers: tuple[int, ...] = Field(min_length=1, max_length=MOST)


class Mode(Frozen):
    """When queued experiments are run."""

    do: Literal["mode"]
    mode: QueueMode


class Look(Frozen):
    """Change nothing."""

    do: Literal["list"]


class Result(Frozen):
    """What was measured at a point."""

    parameters: Written
    values: Written


class Told(Frozen):
    """Results that nobody asked for, all or none."""

    results: tuple[Result, ...] = Field(min_length=1, max_length=MOST)
    why: _Words = ""
    who: _Words = ""


QueueRequest = Annotated[Add | Edit | Move | Cancel | Mode | Look, Field(discriminator="do")]
_queue_request: TypeAdapter[QueueRequest] = TypeAdapter(QueueRequest)
_told: TypeAdapter[Told] = TypeAdapter(Told)


@dataclass(frozen=True)
class Desk:
    """Carries requests out. `over` says why no further experiment begins, empty while one may; `closed` whether the
    campaign has ended. All on the lab loop."""

    queue: Queue
    space: Space
    objectives: Mapping[str, Objective]
    constraints: Mapping[str, OutcomeConstraint]
    tell: Tell
    over: Callable[[], str] = lambda: ""
    closed: Callable[[], bool] = lambda: False

    async def carry_out(self, request: Mapping[str, Any]) -> Reply:
        """The reply to `{"command": "queue" or "tell", ...}`. Raises AnswerProblem, NotFound, StoreError."""
        if self.closed():
            raise AnswerProblem("the campaign has ended")
        body = {key: value for key, value in request.items() if key not in ("command", "id")}
        if request.get("command") == TELL:
            return await self._tell(checked(_told, body))
        return await self._queue(checked(_queue_request, body))

    async def _queue(self, request: QueueRequest) -> Reply:
        numbers: list[int] = []
        match request:
            case Add():
                if over := self.over():
                    raise AnswerProblem(f"no further experiment begins: {over}")
                points = each(request.points, lambda one: read_point(self.space, one))
                rest = request.model_dump(include={"priority", "front", "why", "who"})
                numbers = await self.queue.add(points, **rest)
            case Edit():
                there = self.queue.entry(request.number).parameters
                await self.queue.edit(request.number, read_point(self.space, {**there, **request.parameters}))
            case Move():
                await self.queue.move(request.number, request.place)
            case Cancel():
                await self.queue.cancel(request.numbers)
            case Mode():
                await self.queue.set_mode(request.mode)
            case Look():
                pass
        return {"numbers": numbers, **self.standing()}

    def standing(self) -> Reply:
        """What waits, the next one first, and when it is run."""
        return {
            "mode": self.queue.mode,
            "waiting": [as_dict(one) for one in self.queue.waiting],
        }

    async def _tell(self, told: Told) -> Reply:
        results = each(told.results, self._read)
        why = f"measured by {told.who or 'hand'}: {told.why}".rstrip(": ")
        taken = [self.tell(Suggestion(point, why), values) for point, values in results]
        await asyncio.shield(asyncio.gather(*(stored for _, stored in taken)))
        return {"experiments": [number for number, _ in taken]}

    def _read(self, result: Result) -> tuple[Any, dict[str, float]]:
        point = read_point(self.space, result.parameters)
        return point, read_values(self.objectives, self.constraints, result.values)


def as_dict(queued: Queued) -> dict[str, Any]:
    """For programs."""
    entry = queued.entry
    return {"number": queued.number, "parameters": dict(entry.parameters), "why": entry.why, "who": entry.who}


def checked(form: TypeAdapter[R], body: Mapping[str, Any]) -> R:
    """Raises AnswerProblem with every mistake."""
    try:
        return form.validate_python(body)
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, one['loc'])) or 'the request'}: {one['msg']}" for one in error.errors())
        raise AnswerProblem("; ".join(wrong)) from None
