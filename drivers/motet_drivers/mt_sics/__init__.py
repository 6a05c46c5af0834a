"""Mettler-Toledo balance with MT-SICS levels 0 and 1, on a serial line (9600 baud, 8N1, CR LF).

    @                      cancel what waits or repeats; answers with the serial number like I4
    I2, I3, I4             type and capacity, software, serial number
    S, SI                  the next stable weight; the weight now
    Z, T, TA, TAC          zero, tare at the next stable weight; tare value; clear the tare

`motet_drivers.mt_sics.protocol` says where this is from. S, Z and T answer when the weight is stable, or after the
balance's own time with `I`. Only one command may be on its way (reference manual 11781363, section 2.2), so whoever
asks meanwhile waits; `stop` does not, it cancels with `@`, which every balance carries out at once (same manual, `@ -
Cancel`).
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import ClassVar, TypeVar

from pydantic import Field

from motet.devices import Context, Device, Expected, Identity, Output, Verified, verb
from motet.errors import GarbledReply, InstrumentError, LimitError, NoReply
from motet.lines import Terminated
from motet_drivers.mt_sics import protocol

T = TypeVar("T")
_MASS = Output("g")
_log = logging.getLogger(__name__)


class Options(Expected):
    """Which balance it is, and how long a stable weight may take."""

    stable_within: float = Field(default=60.0, gt=0)
    """Longest wait for a stable weight, s; from 40 s on, as delivered, the balance says so first by itself."""


class MtSics(Device):
    """A Mettler-Toledo balance. Nothing moves: `safe` leaves it as it is, `stop` ends the wait for a stable weight."""

    framing: ClassVar[Terminated] = Terminated(b"\r\n", max_length=200)
    signals: ClassVar[Mapping[str, Output]] = {"mass": _MASS, "stable": Output(dtype="boolean")}
    states: ClassVar[Mapping[str, str]] = {"stable": "the weight no longer changes", "dynamic": "it still changes"}
    verified: ClassVar[Verified] = Verified(
        manuals=(
            "MT-SICS Interface Commands for Weigh Modules, reference manual 11781363 (as quoted by drivers)",
            "MT-SICS for Excellence balances, reference manual 11780711 (as quoted by operating instructions)",
        ),
        drivers=(
            "pylabrobot 0.2.2 against the simulator (in the tests)",
            "labmcp-mettler-toledo 0.1.3, its driver against the simulator, its simulator against the driver, by hand",
            "mettler_toledo_device 1.5.0, with serial_interface 1.0.2, against the simulator, by hand",
            "mt-sics-emulator 0.1.1 against the driver, by hand: all but a preset tare, which it does not know",
        ),
        unverified=(
            "how much above the capacity a balance still weighs",
            "what a balance answers to a second command for a weight while the first one waits",
        ),
    )
    forgets: ClassVar[tuple[str, ...]] = (
        "whether the balance was switched off meanwhile, which ends zero point and tare: run `zero`, `tare`",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        options = context.options
        assert isinstance(options, Options)
        self._options = options
        self._line = context.need_line()
        self._identity = Identity("Mettler-Toledo", "")
        self._capacity: float | None = None
        self._asking = asyncio.Lock()
        self._waiting: asyncio.Task[object] | None = None
        self._stopped = self._to_cancel = False

    async def open(self) -> None:
        """Open the line, cancel what a former owner of the balance left waiting or repeating, ask who it is.

        Raises ConnectionProblem for another balance than the lab file names, NoReply or GarbledReply when something
        else or nothing answers.
        """
        await self._line.open()
        try:
            self._to_cancel = True
            async with self._turn():
                serial_number = await self._query(protocol.command("I4"), self._text("I4"))
                described = await self._query(protocol.command("I2"), self._text("I2"))
                firmware = await self._query(protocol.command("I3"), self._text("I3"))
            balance = protocol.balance(described)
            self._capacity = balance.capacity
            self._identity = Identity("Mettler-Toledo", balance.model, serial_number, firmware)
            self._options.check(self.name, self._line.where, self._identity)
        except BaseException:
            await self._line.close()
            raise

    async def close(self) -> None:
        """Give the line back; zero point and tare stay."""
        await self._line.close()

    async def identity(self) -> str:
        """Type, serial number and software as the balance gives them."""
        return str(self._identity)

    async def stop(self, success: bool = True) -> None:
        """End the wait for a stable weight. The verb that waits ends with InstrumentError."""
        if self._waiting is None:
            return
        self._stopped = True
        self._waiting.cancel()
        async with self._turn():
            """Who gets the turn next, this or another, cancels at the balance first."""

    async def safe(self) -> None:
        """The balance stays as it is."""
        await self.stop()

    @verb(outputs={"mass": _MASS})
    async def weigh(self) -> Mapping[str, float]:
        """Wait for a stable weight and read it, net of the tare.

        Raises InstrumentError for a weight that does not get stable, an overload and an underload.
        """
        found = await self._when_stable("S", self._weight("S"), repeatable=True)
        if not found.stable:
            raise InstrumentError(f"{self.name}: S: not stable: the balance gave {found.mass:g} g as dynamic")
        return {"mass": found.mass}

    @verb(outputs={"mass": _MASS, "stable": Output(dtype="boolean")})
    async def weigh_now(self) -> Mapping[str, float | bool]:
        """Read the weight at once, net of the tare, and whether it is stable."""
        found = await self._now()
        return {"mass": found.mass, "stable": found.stable}

    @verb()
    async def zero(self) -> None:
        """Take the next stable weight as zero; the tare is forgotten.

        Raises InstrumentError beyond the zero setting range.
        """
        await self._when_stable("Z", lambda frame: protocol.done(str(self._line), frame, "Z"))

    @verb(outputs={"tare": _MASS})
    async def tare(self) -> Mapping[str, float]:
        """Take the next stable weight as tare; weights are net from then on."""
        return {"tare": (await self._when_stable("T", self._weight("T"))).mass}

    @verb(units={"mass": "g"}, limits={"mass": (0.0, 1e6)}, outputs={"tare": _MASS})
    async def preset_tare(self, mass: float) -> Mapping[str, float]:
        """Take a mass that is known as tare, at most the capacity of the balance."""
        if self._capacity is not None and mass > self._capacity:
            raise LimitError(
                f"{self.name}: a tare of {mass:g} g is beyond the capacity of the {self._identity.model}, "
                f"[0, {self._capacity:g}] g"
            )
        async with self._turn():
            set_to = await self._query(protocol.command("TA", protocol.number(mass), "g"), self._weight("TA"))
        return {"tare": set_to.mass}

    @verb()
    async def clear_tare(self) -> None:
        """Forget the tare; weights are gross from then on."""
        async with self._turn():
            await self._query(protocol.command("TAC"), lambda frame: protocol.done(str(self._line), frame, "TAC"))

    async def get_mass(self) -> float:
        """The weight now, net of the tare, g."""
        return (await self._now()).mass

    async def get_stable(self) -> bool:
        """Whether the weight is stable now."""
        return (await self._now()).stable

    async def _now(self) -> protocol.Weight:
        async with self._turn():
            return await self._query(protocol.command("SI"), self._weight("S", "SI"))

    async def _query(self, request: bytes, parse: Callable[[bytes], T]) -> T:
        """The reply to what may be asked twice, asked again after none or a garbled one. For the one whose turn it is.

        What came of the first request is let go by: a weight of before would look like the one of now.
        """
        for _ in range(self._line.retries):
            try:
                return await self._query_once(request, parse)
            except (NoReply, GarbledReply) as error:
                _log.warning("%s; asking again", error)
                await self._cancel()
        return await self._query_once(request, parse)

    async def _query_once(self, request: bytes, parse: Callable[[bytes], T]) -> T:
        self._to_cancel = True
        try:
            found = await self._line.command(request, parse)
        except InstrumentError:
            self._to_cancel = False  # it has answered
            raise
        self._to_cancel = False
        return found

    async def _when_stable(self, name: str, parse: Callable[[bytes], T], *, repeatable: bool = False) -> T:
        """The reply to S, Z or T, for which the balance waits. What is repeatable is asked again when it was garbled.

        Raises InstrumentError when the balance refuses, after too long, and when it was stopped.
        """
        async with self._turn():
            for _ in range(self._line.retries if repeatable else 0):
                try:
                    return await self._wait(name, parse)
                except GarbledReply as error:
                    _log.warning("%s; asking again", error)
                    await self._cancel()
            return await self._wait(name, parse)

    async def _wait(self, name: str, parse: Callable[[bytes], T]) -> T:
        self._stopped, self._to_cancel = False, True
        waiting = asyncio.create_task(self._late_reply(protocol.command(name), parse))
        self._waiting = waiting
        try:
            found = await waiting
        except asyncio.CancelledError:
            if self._stopped:
                raise InstrumentError(f"{self.name}: {name}: stopped before the weight was stable") from None
            raise
        except NoReply as error:
            longest = self._options.stable_within
            raise InstrumentError(f"{self.name}: {name}: not stable: no weight within {longest:g} s") from error
        except InstrumentError:
            self._to_cancel = False  # it has answered: nothing waits any more
            raise
        finally:
            self._waiting = None
        self._to_cancel = False
        return found

    async def _late_reply(self, request: bytes, parse: Callable[[bytes], T]) -> T:
        """Send a command and wait for its reply as long as a stable weight may take."""
        line = self._line
        usual, line.timeout = line.timeout, self._options.stable_within / self.context.scale + line.timeout
        try:
            await line.send(request)
            async with aclosing(line.frames()) as frames:
                frame = await anext(frames)
            return parse(frame)
        except GarbledReply as error:
            raise GarbledReply(f"{line}: the reply to {request!r} is garbled: {error}") from error
        finally:
            line.timeout = usual

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        """One command at a time; what was left waiting at the balance is cancelled first."""
        async with self._asking:
            if self._to_cancel:
                await self._cancel()
            yield

    async def _cancel(self) -> None:
        """`@`: end what waits or repeats, and let go by what was on its way. Raises NoReply."""
        for _ in range(self._line.retries):
            try:
                return await self._cancel_once()
            except NoReply as error:
                _log.warning("%s; asking again", error)
                await self._pass_by(until=b"")
        return await self._cancel_once()

    async def _cancel_once(self) -> None:
        await self._line.send(protocol.command("@"))
        if not await self._pass_by(until=b"I4 A"):
            raise NoReply(f"{self._line}: a reply to '@' did not come within {self._line.timeout:g} s")
        self._to_cancel = False

    async def _pass_by(self, until: bytes) -> bool:
        """Let frames go by until one begins so, which is told, or for the time that an answer may take."""
        loop, line = asyncio.get_running_loop(), self._line
        deadline = loop.time() + line.timeout
        while loop.time() < deadline:
            try:
                async with aclosing(line.frames()) as frames:
                    async for frame in frames:
                        if until and frame.startswith(until):
                            return True
                        if loop.time() > deadline:
                            return False
            except GarbledReply as error:
                _log.info("%s", error)
            except NoReply:
                return False
        return False

    def _text(self, name: str) -> Callable[[bytes], str]:
        return lambda frame: protocol.text(str(self._line), frame, name)

    def _weight(self, *names: str) -> Callable[[bytes], protocol.Weight]:
        return lambda frame: protocol.weight(str(self._line), frame, *names)
