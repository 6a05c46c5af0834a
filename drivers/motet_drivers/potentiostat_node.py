"""A potentiostat node on MQTT: a potential is applied for some time, a trace of the current comes back.

Topics below the node's own, JSON objects on each: `command` to the node, `reply` and `status` from it.

    command  {"id", "command": "identify" | "stop" | "measure", "potential_V", "duration_s", "points"}
    reply    {"id", "status": "accepted"} to `measure`, and in the end to every command
             {"id", "status": "done", ...} or {"id", "status": "error", "code", "message"}
    status   {"status": "online" | "busy" | "idle" | "offline"}, retained; the last is the node's last will

A final reply to `measure` has "time_s" and "current_mA", lists of the same length, one to `identify` has
"model", "serial_number" and "firmware". A current that could not be measured is null on the wire and NaN in
the trace: what it means is for the analysis to say. The bus passes over what is no JSON object, so a node
that sends garbage counts as one that does not answer. A node that is off line by its last will is not waited
for. The protocol is Motet's own.
"""

import asyncio
import contextlib
import json
import logging
import math
import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, Field, ValidationError

from motet.bus import Message, Subscription
from motet.devices import Context, Device, Expected, Identity, Output, Verified, verb
from motet.errors import GarbledReply, InstrumentError, LineLost, NoReply, Retryable
from motet_drivers.mqtt_presence import Presence

_log = logging.getLogger(__name__)


class Options(Expected):
    """How long to wait, and for which node."""

    timeout: float = Field(default=2.0, gt=0)
    """Longest wait for the node's first answer, s."""
    margin: float = Field(default=1.5, ge=1)
    """A trace must be there after so many times its duration, and `timeout`."""
    retries: int = Field(default=2, ge=0)
    """How often the node is asked again who it is, or told again to stop, when no answer came."""


class _Trace(BaseModel):
    """The part of a final reply that holds the measurement. JSON knows no NaN."""

    time_s: list[float]
    current_mA: list[float | None]  # noqa: N815 - the key on the wire


class PotentiostatNode(Device):
    """A potentiostat behind MQTT. `stop` aborts the measurement that runs; `safe` is `stop`: cell off."""

    states: ClassVar[Mapping[str, str]] = {
        "online": "just connected to the broker",
        "idle": "waits for a command",
        "busy": "measures",
        "offline": "not connected to the broker, by its last will",
    }
    forgets: ClassVar[tuple[str, ...]] = ("a trace that was being measured: measure again",)
    verified: ClassVar[Verified] = Verified(manuals=("the protocol is Motet's own: this driver's page",))

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        options = context.options
        assert isinstance(options, Options)
        self._options = options
        self._bus = context.need_bus()
        self._topic = context.topic
        self._scale = context.scale
        self._identity = Identity("", "potentiostat node")
        self._presence = Presence(f"{self.name}: the node at {self._topic}")
        self._listening: Subscription | None = None

    async def open(self) -> None:
        """Ask who is there. Raises NoReply or LineLost when nobody is, ConnectionProblem when it is another node."""
        await self.close()
        self._presence.forget()
        self._listening = await self._bus.subscribe(f"{self._topic}/status", self._hear)
        try:
            reply = await self._presence.greet(lambda: self._again({"command": "identify"}), self._options.timeout)
            told = [str(reply.get(key, "")) for key in ("model", "serial_number", "firmware")]
            self._identity = Identity("", *told)
            self._options.check(self.name, self._topic, self._identity)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Listen no more; the node goes on as it was told."""
        listening, self._listening = self._listening, None
        if listening is not None:
            with contextlib.suppress(LineLost):  # gone with the bus already
                await listening.cancel()

    async def identity(self) -> str:
        """Model, serial number and firmware as the node gives them."""
        return str(self._identity)

    async def stop(self, success: bool = True) -> None:
        """Abort the measurement that runs; its verb ends with InstrumentError. Raises NoReply, LineLost."""
        await self._again({"command": "stop"})

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

    async def _again(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The reply to a request that may be made twice, and is when no answer came."""
        for attempt in range(1, self._options.retries + 1):
            try:
                return await self._ask(request, 0.0)
            except (NoReply, GarbledReply) as error:
                _log.warning("%s; asking again (%d of %d)", error, attempt, self._options.retries)
        return await self._ask(request, 0.0)

    async def _ask(self, request: Mapping[str, Any], longest: float) -> Mapping[str, Any]:
        """As `_reply`, unless the node goes off line: then LineLost at once."""
        replying = asyncio.create_task(self._reply(request, longest))
        watching = asyncio.create_task(self._presence.offline.wait())
        try:
            await asyncio.wait((replying, watching), return_when=asyncio.FIRST_COMPLETED)
            if not replying.done():
                raise self._presence.error()
            return await replying
        finally:
            for task in (replying, watching):
                task.cancel()
            await asyncio.gather(replying, watching, return_exceptions=True)

    async def _reply(self, request: Mapping[str, Any], longest: float) -> Mapping[str, Any]:
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

    def _hear(self, message: Message) -> None:
        try:
            status = message.json().get("status")
        except ValueError:
            return
        self._presence.tell(status != "offline")

    async def _abandon(self) -> None:
        """Nobody waits for the trace any more: let the node stop, if it hears."""
        with contextlib.suppress(Retryable):
            command = json.dumps({"id": f"abandon-{secrets.token_hex(8)}", "command": "stop"})
            await self._bus.publish(f"{self._topic}/command", command)
