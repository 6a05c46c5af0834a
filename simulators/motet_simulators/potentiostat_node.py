"""A potentiostat node on MQTT, as it might run on a small computer beside the instrument.

Topics below the node's own: `command` in; `reply` and `status` (retained) out. All payloads are JSON objects.

    command  {"id", "command": "identify" | "stop" | "measure", "potential_V", "duration_s", "points"}
    reply    {"id", "status": "accepted"}, then {"id", "status": "done", ...} or
             {"id", "status": "error", "code", "message"}
    status   {"status": "online" | "idle" | "busy" | "offline"}, retained; "offline" is its last will

A measurement's reply holds `time_s` and `current_mA`, lists of the same length; a value that could not be
measured is null. A request whose id is known already is answered again, never carried out again: MQTT may
deliver twice. The protocol is Motet's own.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from motet.contracts.simulation import Clock, Timer
from motet.simulation import Faults, SimulatedNode

REMEMBERED_REPLIES = 100
"""How many final replies the node keeps for requests that arrive twice."""


@runtime_checkable
class Cell(Protocol):
    """What the potentiostat is connected to."""

    def indentation(self) -> float:
        """How deep the head is pressed in, mm; 0 without contact."""
        ...

    def place(self) -> tuple[float, float, float]:
        """Where the head is, mm."""
        ...

    def measure(self, times: list[float]) -> list[float]:
        """The current at the given times (s), mA."""
        ...


class Options(Faults):
    """What the node is, and its faults."""

    model: str = "PN-1"
    serial_number: str = "000042"
    firmware: str = "1.0"
    nan_after: int | None = Field(default=None, ge=0)
    """After so many measurements one has a value that could not be measured."""


class _Measure(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    potential_V: float = Field(ge=-10, le=10)  # noqa: N815 - the key on the wire
    duration_s: float = Field(gt=0, le=3600)
    points: int = Field(ge=2, le=10_000)


@dataclass(frozen=True, slots=True)
class _Running:
    id: str
    request: _Measure
    place: tuple[float, float] | None
    timer: Timer


class DummyCell:
    """A resistor of 1 kOhm: the cell of a node without a world, 1 mA at 1 V."""

    def __init__(self) -> None:
        self.potential = 0.0

    def indentation(self) -> float:
        """Always connected."""
        return 1.0

    def place(self) -> tuple[float, float, float]:
        """It does not move."""
        return 0.0, 0.0, 0.0

    def measure(self, times: list[float]) -> list[float]:
        """The current through the resistor."""
        return [self.potential] * len(times)


class PotentiostatNode(SimulatedNode):
    """A potentiostat node on MQTT that measures the current of its world's cell, or of a dummy cell."""

    def __init__(self, options: Options, world: object, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self._options = options
        self._cell: Cell = world if isinstance(world, Cell) else DummyCell()
        self._running: _Running | None = None
        self._replies: OrderedDict[str, Mapping[str, Any]] = OrderedDict()
        self.measurements = 0

    def filters(self, topic: str) -> tuple[str, ...]:
        """It listens to `command` only."""
        return (f"{topic}/command",)

    def will(self, topic: str) -> tuple[str, bytes, bool]:
        """`status` says that it is off line."""
        return f"{topic}/status", json.dumps({"status": "offline"}).encode(), True

    def attach(self, topic: str, publish: Callable[[str, bytes, bool], None]) -> None:
        """On line: say so, then wait for commands."""
        super().attach(topic, publish)
        self._status("online")
        self._status("idle")

    def detach(self) -> None:
        """Off line: what runs is aborted."""
        super().detach()
        self._running = None

    def receive(self, topic: str, payload: bytes) -> None:
        """A message on `command`."""
        try:
            found: Any = json.loads(payload)
        except ValueError:
            found = None
        request = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
        if not isinstance(request.get("id"), str):
            message = "a JSON object with an id is expected"
            self._reply({"id": None, "status": "error", "code": "bad_request", "message": message})
            return
        self._command(request["id"], request)

    def _command(self, request_id: str, request: Mapping[str, Any]) -> None:
        if request_id in self._replies:
            self._reply(self._replies[request_id])
        elif self._running is not None and self._running.id == request_id:
            self._reply({"id": request_id, "status": "accepted"})
        elif request.get("command") == "identify":
            identity = self._options.model_dump(include={"model", "serial_number", "firmware"})
            self._finish({"id": request_id, "status": "done", **identity})
        elif request.get("command") == "stop":
            self._stop()
            self._finish({"id": request_id, "status": "done"})
        elif request.get("command") == "measure":
            self._measure(request_id, {k: v for k, v in request.items() if k not in ("id", "command")})
        else:
            self._refuse(request_id, "unknown_command", f"{request.get('command')!r} is not a command of this node")

    def _measure(self, request_id: str, arguments: Mapping[str, Any]) -> None:
        try:
            request = _Measure.model_validate(arguments)
        except ValidationError as error:
            first = error.errors()[0]
            self._refuse(request_id, "out_of_range", f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
            return
        if self._running is not None:
            self._refuse(request_id, "busy", f"request {self._running.id} is being measured")
        elif self.fault("error"):
            self._refuse(request_id, "overload", "the current amplifier is overloaded")
        elif self._cell.indentation() <= 0:
            self._refuse(request_id, "no_contact", "the cell is open: the head does not touch the sample")
        else:
            timer = self.later(request.duration_s, self._measured)
            self._running = _Running(request_id, request, self._cell.place()[:2], timer)
            self._status("busy")
            self._reply({"id": request_id, "status": "accepted"})

    def _measured(self) -> None:
        running = self._running
        assert running is not None, "only a running measurement has a timer"
        self._running = None
        request = running.request
        if self._cell.indentation() <= 0 or self._cell.place()[:2] != running.place:
            self._refuse(running.id, "contact_lost", "the head moved during the measurement")
        else:
            if isinstance(self._cell, DummyCell):
                self._cell.potential = request.potential_V
            times = [request.duration_s * n / (request.points - 1) for n in range(request.points)]
            current: list[float | None] = [*self._cell.measure(times)]
            self.measurements += 1
            if self._options.nan_after is not None and self.measurements == self._options.nan_after + 1:
                current[-1] = None
            self._finish({"id": running.id, "status": "done", "time_s": times, "current_mA": current})
        self._status("idle")

    def _stop(self) -> None:
        if self._running is None:
            return
        running, self._running = self._running, None
        running.timer.cancel()
        self._refuse(running.id, "aborted", "the measurement was stopped")
        self._status("idle")

    def _refuse(self, request_id: str, code: str, message: str) -> None:
        self._finish({"id": request_id, "status": "error", "code": code, "message": message})

    def _finish(self, reply: Mapping[str, Any]) -> None:
        self._replies[reply["id"]] = reply
        if len(self._replies) > REMEMBERED_REPLIES:
            self._replies.popitem(last=False)
        self._reply(reply)

    def _status(self, status: str) -> None:
        self.say(f"{self.topic}/status", json.dumps({"status": status}).encode(), retain=True)

    def _reply(self, reply: Mapping[str, Any]) -> None:
        self.answer(f"{self.topic}/reply", json.dumps(reply).encode())
