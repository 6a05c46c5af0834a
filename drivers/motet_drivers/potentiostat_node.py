"""A potentiostat node on MQTT: a potential is applied for some time, a trace of the current comes back.

Topics below the node's own, JSON objects on each: `command` to the node, `reply` and `status` from it.

    command  {"id", "command": "identify" | "stop" | "measure", "potential_V", "duration_s", "points"}
    reply    {"id", "status": "accepted"} to `measure`, and in the end to every command
             {"id", "status": "done", ...} or {"id", "status": "error", "code", "message"}
    status   {"status": "online" | "busy" | "idle"}, retained

A final reply to `measure` has "time_s" and "current_mA", lists of the same length, one to `identify` has
"model", "serial_number" and "firmware". A current that could not be measured is null on the wire and NaN in
the trace: what it means is for the analysis to say. The bus passes over what is no JSON object, so a node
that sends garbage counts as one that does not answer. The protocol is Motet's own; verified against the
simulator only.
"""

import asyncio
import contextlib
import json
import math
import secrets
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from motet.devices import Context, Device, Output, verb
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, NoReply, Retryable


class Options(BaseModel):
    """How long to wait, and for which node."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    timeout: float = Field(default=2.0, gt=0)
    """Longest wait for the node's first answer, s."""
    margin: float = Field(default=1.5, ge=1)
    """A trace must be there after so many times its duration, and `timeout`."""
    serial_number: str | None = None
    """What the node's serial number must be."""


class _Trace(BaseModel):
    """The part of a final reply that holds the measurement. JSON knows no NaN."""

    time_s: list[float]
    current_mA: list[float | None]  # noqa: N815 - the key on the wire


class PotentiostatNode(Device):
    """A potentiostat behind MQTT. `stop` aborts the measurement that runs; `safe` is `stop`: cell off."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        options = context.options
        assert isinstance(options, Options)
        self._options = options
        self._bus = context.need_bus()
        self._topic = context.topic
        self._scale = context.scale
        self._identity = ""

    async def open(self) -> None:
        """Ask who is there. Raises NoReply when nobody is, ConnectionProblem when it is another node."""
        reply = await self._ask({"command": "identify"}, 0.0)
        expected = self._options.serial_number
        if expected not in (None, reply.get("serial_number")):
            raise ConnectionProblem(
                f"{self.name}: the node at {self._topic} has serial number {reply.get('serial_number')}, "
                f"the lab file says {expected}"
            )
        model, firmware = reply.get("model"), reply.get("firmware")
        self._identity = f"{model}, serial number {reply.get('serial_number')}, firmware {firmware}"

    async def identity(self) -> str:
        """Model, serial number and firmware as the node gives them."""
        return self._identity

    async def stop(self, success: bool = True) -> None:
        """Abort the measurement that runs; its verb ends with InstrumentError. Raises NoReply."""
        await self._ask({"command": "stop"}, 0.0)

    @verb(
        units={"potential": "V", "duration": "s"},
        outputs={"time": Output("s", "array"), "current": Output("mA", "array")},
        limits={"potential": (-10, 10), "duration": (0.001, 3600), "points": (2, 10_000)},
    )
    async def measure(self, potential: float, duration: float, points: int = 50) -> Mapping[str, list[float]]:
        """Apply a potential and record the current at so many points, evenly spaced over the duration."""
        request = {"command": "measure", "potential_V": potential, "duration_s": duration, "points": points}
        try:
            reply = await self._ask(request, duration * self._options.margin / self._scale)
        except (Retryable, asyncio.CancelledError):
            await self._abandon()
            raise
        return self._trace(reply)

    async def _ask(self, request: Mapping[str, Any], longest: float) -> Mapping[str, Any]:
        """The final reply to a request that takes at most `longest` seconds once it is accepted.

        Raises NoReply, GarbledReply, LineLost, and InstrumentError with the node's own code when it refuses.
        """
        wait = self._options.timeout
        loop = asyncio.get_running_loop()
        accepted = False
        try:
            async with asyncio.timeout(wait) as limit:

                def final(reply: Mapping[str, Any]) -> bool:
                    nonlocal accepted
                    if reply.get("status") == "accepted":
                        accepted = True
                        limit.reschedule(loop.time() + longest + wait)
                        return False
                    return True

                reply = await self._bus.request(
                    f"{self._topic}/command",
                    request,
                    reply_topic=f"{self._topic}/reply",
                    timeout=longest + 2 * wait,
                    until=final,
                )
        except TimeoutError:
            what = f"accepted {request['command']!r} but did not finish" if accepted else "does not answer"
            raise NoReply(
                f"{self.name}: the node at {self._topic} {what} within {longest * accepted + wait:g} s"
            ) from None
        return self._checked(request, reply)

    def _checked(self, request: Mapping[str, Any], reply: Mapping[str, Any]) -> Mapping[str, Any]:
        if reply.get("status") == "error":
            raise InstrumentError(
                f"{self.name}: {request['command']!r} failed: {reply.get('code')}: {reply.get('message')}"
            )
        if reply.get("status") != "done":
            raise GarbledReply(
                f"{self.name}: the node at {self._topic} answered with status {reply.get('status')!r}; "
                f"allowed: accepted, done, error"
            )
        return reply

    def _trace(self, reply: Mapping[str, Any]) -> Mapping[str, list[float]]:
        try:
            trace = _Trace.model_validate(reply)
        except ValidationError as error:
            raise GarbledReply(f"{self.name}: the node at {self._topic} sent no trace: {error}") from error
        if len(trace.time_s) != len(trace.current_mA):
            raise GarbledReply(
                f"{self.name}: the node at {self._topic} sent {len(trace.current_mA)} currents "
                f"for {len(trace.time_s)} times"
            )
        return {"time": trace.time_s, "current": [math.nan if i is None else i for i in trace.current_mA]}

    async def _abandon(self) -> None:
        """Nobody waits for the trace any more: let the node stop, if it hears."""
        with contextlib.suppress(Retryable):
            command = json.dumps({"id": f"abandon-{secrets.token_hex(8)}", "command": "stop"})
            await self._bus.publish(f"{self._topic}/command", command)
