"""Any object of the Bluesky protocols by its import path: ophyd, ophyd-async, or a class of your own.

What it can do stands in the lab file, so that files are checked without importing anything. Limits: those of the lab,
the object's own `limits` as they are when it is connected, and its `check_value` before every `set`. At an emergency
stop or a lost station its own `stop` is called. Protocols: `bluesky.protocols` of bluesky 1.15
(https://blueskyproject.io/bluesky/main/hardware.html); classic devices: ophyd 1.11.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, TypeVar

from ophyd_async.core import AsyncStatus
from pydantic import BaseModel

from motet.contracts.objects import ObjectPath
from motet.devices import Context, Device, Limit, Output, Verb, VerbSpec, Verified, verb
from motet.devices.verbs import ArgumentSpec
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError, LimitError, MotetError, NoReply
from motet.files.units import convert
from motet.model.values import Bound
from motet_drivers.bluesky.calls import Calls, in_thread
from motet_drivers.bluesky.keys import identity_of, keys_of, told
from motet_drivers.bluesky.options import KINDS, Options, Reads, in_words, taken

__all__ = ["BlueskyObject", "Options"]

T = TypeVar("T")
GRACE_S = 2.0
"""How much longer than it was told an object may take to say that it could not connect, seconds."""

_owners: dict[object, str] = {}
"""Which device uses an object, by its identity and its EPICS prefix."""


class BlueskyObject(Device):
    """Any object of the Bluesky protocols, by its import path: ophyd, ophyd-async, or a class of your own."""

    verified: ClassVar[Verified] = Verified(
        manuals=("bluesky 1.15, `bluesky.protocols`", "ophyd 1.11"),
        drivers=(
            "ophyd 1.11.2: ophyd.sim, EpicsMotor with the clients caproto 1.3.0 and pyepics 3.5.10",
            "caproto 1.3.0 IOC (motor record)",
            "ophyd-async 0.21.3: soft signals",
        ),
    )

    def __init__(self, context: Context) -> None:
        assert isinstance(context.options, Options)
        self._options = context.options
        for name in self._options.signals:
            setattr(self, f"get_{name}", partial(self.signal, name))
        super().__init__(context)
        self._calls: Calls | None = None
        self._made = False
        self._output_keys: Mapping[str, str] = {}
        self._signal_keys: Mapping[str, str] = {}
        self._acting: asyncio.Future[Any] | None = None
        self._reading: asyncio.Task[Mapping[str, Any]] | None = None
        self._stops = 0

    @classmethod
    def verbs_for(cls, options: BaseModel) -> Mapping[str, VerbSpec]:
        """`set` and `measure`, as far as the options say that it can do that."""
        assert isinstance(options, Options)
        verbs = dict(super().verbs_for(options))
        if options.sets is None:
            del verbs["set"]
        else:
            value = ArgumentSpec(KINDS[options.sets.type], options.sets.unit, required=True)
            verbs["set"] = replace(verbs["set"], arguments={"value": value})
        if options.outputs:
            outputs = {name: one.output for name, one in options.outputs.items()}
            verbs["measure"] = replace(verbs["measure"], outputs=outputs)
        else:
            del verbs["measure"]
        return verbs

    @classmethod
    def signals_for(cls, options: BaseModel) -> Mapping[str, Output]:
        """Those of the options."""
        assert isinstance(options, Options)
        return {name: one.output for name, one in options.signals.items()}

    async def open(self) -> None:
        """Make the object, connect it, and compare what it gives with the lab file. Nothing moves."""
        await self.close()
        try:
            calls = self._calls = Calls(self.name, await self._object())
            self._own(calls.target)
            await self._connect(calls)
            self._options.check(self.name, self._options.object, identity_of(calls.target))
            await self._compare(calls)
            await self._take_limits(calls)
        except ConnectionProblem:
            self._disown()
            raise
        except MotetError as error:
            self._disown()
            prefix = getattr(self._calls and self._calls.target, "prefix", "")
            where = f"{self._options.object} {prefix}".rstrip()
            reason = str(error).removeprefix(f"{self.name}: ")
            raise ConnectionProblem(f"{self.name}: {where}: {reason}") from error

    async def close(self) -> None:
        """Let the object go; one that was made here is destroyed where it can be."""
        calls, self._calls = self._calls, None
        self._disown()
        if calls is not None and self._made and calls.has("destroy"):
            await self._within(self._options.stop_within, calls.run("destroy"), "destroying it")

    async def stop(self, success: bool = True) -> None:
        """Call the object's own `stop`, and wait until what goes on has ended.

        Raises InstrumentError when it does not come to rest in time.
        """
        acting = self._acting
        self._stops += 1
        if self._calls is not None and self._calls.has("stop"):
            await self._within(self._options.stop_within, self._calls.run("stop", success=success), "stopping")
            if acting is not None and not acting.done():
                done, _ = await asyncio.wait([acting], timeout=self._loop_s(self._options.stop_within))
                if not done:
                    acting.cancel()
                    raise InstrumentError(
                        f"{self.name}: did not come to rest within {in_words(self._options.stop_within)}"
                    )
        elif acting is not None:
            acting.cancel()

    async def safe(self) -> None:
        """Call the object's own `stop`, as `stop` does: of what else would be safe, the object says nothing."""
        await self.stop()

    async def identity(self) -> str:
        """Module, class, version of its package, and EPICS prefix."""
        return told(identity_of(self._need().target))

    @verb()
    @AsyncStatus.wrap
    async def set(self, value: float) -> None:
        """Set it to a value; done when the object says so.

        Raises LimitError before anything is sent, InstrumentError with the cause when it fails, is stopped, or takes
        longer than `set_within`.
        """
        self.verbs["set"].check({"value": value})
        calls, stops = self._need(), self._stops
        what = f"set to {value!r}"
        if calls.has("check_value"):
            await self._within(self._options.read_within, self._allowed(calls, value), f"{what}: its check")
        await self._act("set", value, within=self._options.set_within, what=what, stops=stops)

    @verb()
    async def measure(self) -> Mapping[str, Any]:
        """Trigger it, wait until it is done, and read it.

        Raises InstrumentError with the cause, NoReply, GarbledReply.
        """
        calls, stops, within = self._need(), self._stops, self._options.measure_within
        staged = self._options.stage and calls.has("stage")
        if staged:
            await self._act("stage", within=within, what="staging", stops=stops)
        try:
            if calls.has("trigger"):
                await self._act("trigger", within=within, what="its measurement", stops=stops)
            reading = await self._read()
            keys = self._output_keys
            return {name: self._taken(reading, keys[name], one) for name, one in self._options.outputs.items()}
        finally:
            if staged:
                await self._act("unstage", within=within, what="unstaging", stops=self._stops)

    async def signal(self, name: str) -> Any:
        """The value of one signal. Signals that are read together are read once."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        reading = await asyncio.shield(self._reading)
        return self._taken(reading, self._signal_keys[name], self._options.signals[name])

    async def _object(self) -> Any:
        stand_in = self.context.stand_in
        path = self._options if stand_in is None else stand_in
        if not isinstance(path, ObjectPath):
            return path
        found = await in_thread(path.found)
        self._made = path.is_made(found)
        name = self.name.partition("-")[2] or self.name
        if isinstance(found, type) and Calls(self.name, found).in_loop:
            return path.make(found, name)
        return await in_thread(lambda: path.make(found, name))

    def _own(self, target: Any) -> None:
        prefix = getattr(target, "prefix", "")
        for key, what in ((id(target), "the object"), (prefix, f"the prefix {prefix!r}")):
            owner = _owners.setdefault(key, self.name) if key else self.name
            if owner != self.name:
                raise ConnectionProblem(f"{self.name}: {what} of {self._options.object} is used by {owner} already")

    async def _connect(self, calls: Calls) -> None:
        """The object gives up by itself, and says what is missing; it is not waited for much longer."""
        seconds = convert(self._options.connect_within, "s")
        method = "connect" if calls.in_loop else "wait_for_connection"
        if calls.has(method):
            await self._within(seconds + GRACE_S, calls.run(method, timeout=seconds), "connecting")

    async def _compare(self, calls: Calls) -> None:
        """What it can do and gives, with what the lab file says."""
        wants = {"set": self._options.sets is not None, "read": bool(self._options.keys)}
        missing = [method for method, wanted in wants.items() if wanted and not calls.has(method)]
        where = f"{self.name}: {self._options.object}"
        if missing:
            raise ConnectionProblem(f"{where} is a {type(calls.target).__name__} without {', '.join(missing)}")
        if not self._options.keys:
            return
        described = await self._within(self._options.read_within, calls.run("describe"), "describing it")
        self._output_keys = keys_of(where, calls.target, described, self._options.outputs)
        self._signal_keys = keys_of(where, calls.target, described, self._options.signals)

    async def _take_limits(self, calls: Calls) -> None:
        """The object's own limits become those of `set`; equal ones mean none, as in EPICS motor records."""
        if self._options.sets is None or self._options.sets.type not in ("number", "integer"):
            return
        limits: Any = await self._within(self._options.read_within, calls.get("limits"), "asking for its limits")
        try:
            low, high = map(float, limits)
        except (TypeError, ValueError):
            return
        if low < high:
            spec = self.verbs_for(self._options)["set"]
            limit = Limit(low, high, self._options.sets.unit)
            self.verbs["set"] = Verb(self, replace(spec, limits={"value": limit}), self.limits)

    async def _allowed(self, calls: Calls, value: float) -> None:
        try:
            await calls.run("check_value", value)
        except InstrumentError as error:  # check_value may raise anything (bluesky.protocols.Checkable)
            raise LimitError(str(error)) from error

    async def _act(self, method: str, *args: Any, within: Bound, what: str, stops: int) -> None:
        """Begin something, and wait until it has ended, was stopped, or takes too long.

        `stops` is how often the device had been stopped when the verb began.
        """
        if self._stops != stops:
            raise InstrumentError(f"{self.name}: {what} was stopped before it began")
        acting = self._acting = asyncio.ensure_future(self._need().run(method, *args))
        acting.add_done_callback(_seen)
        try:
            done, _ = await asyncio.wait([acting], timeout=self._loop_s(within))
            if not done:
                await self.stop(success=False)
                raise InstrumentError(f"{self.name}: {what} did not end within {in_words(within)}; it was told to stop")
            if self._stops != stops:
                raise InstrumentError(f"{self.name}: {what} was stopped")
            acting.result()
        finally:
            self._acting = None
            acting.cancel()

    async def _read(self) -> Mapping[str, Any]:
        return await self._within(self._options.read_within, self._need().run("read"), "reading it")

    def _taken(self, reading: Mapping[str, Any], key: str, one: Reads) -> Any:
        if key not in reading:
            raise GarbledReply(f"{self.name}: gave no {key}; it gave: {', '.join(reading)}")
        try:
            return taken(reading[key]["value"], one)
        except ValueError as error:
            raise GarbledReply(f"{self.name}: {key}: {error}") from error

    async def _within(self, longest: Bound, work: Awaitable[T], what: str) -> T:
        """Raises NoReply when it takes longer."""
        try:
            async with asyncio.timeout(self._loop_s(longest)):
                return await work
        except TimeoutError:
            raise NoReply(f"{self.name}: {what} took longer than {in_words(longest)}") from None

    def _disown(self) -> None:
        for key in [key for key, owner in _owners.items() if owner == self.name]:
            del _owners[key]

    def _loop_s(self, longest: Bound) -> float:
        return convert(longest, "s") / self.context.scale

    def _need(self) -> Calls:
        if self._calls is None:
            raise ConnectionProblem(f"{self.name}: is not connected")
        return self._calls


def _seen(acting: "asyncio.Future[Any]") -> None:
    """How something ended that nobody waits for any more is no news."""
    if not acting.cancelled():
        acting.exception()
