"""The emergency stop of a lab: pressed anywhere, it reaches every process, and stays pressed until a person clears it.

It is kept in a file of the data folder and retained at the lab's broker. Whatever is learnt in one place is told in the
other; what could not be told is told when it can.
"""

import asyncio
import getpass
import logging
import os
import secrets
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from motet.bus import Bus, Message, Subscription
from motet.errors import ConnectionProblem, EmergencyStop, LineLost, MotetError
from motet.station.latch_state import Latched, LatchState, latch_file, parsed, read, update

LOOK_S = 0.02
"""How often the file is looked at."""
AGAIN_S = 5.0
"""How long to wait before what could not be written is tried again."""
ECHO_S = 1.0
"""Longest wait for the broker to have sent what it has retained."""
TURNS = 6
"""Of the event loop, in which stations send their devices the stop, before anything is written: that needs a thread,
and on a busy machine the loop may wait some 20 ms for one to begin."""

_log = logging.getLogger(__name__)


class Stoppable(Protocol):
    """What the latch stops: a station."""

    name: str

    async def estop(self, reason: str) -> None:
        """Stop everything at once."""
        ...

    async def clear(self) -> None:
        """A person has cleared it."""
        ...


class Latch:
    """`async with Latch(lab, data, bus) as latch`: knows whether the lab is e-stopped, and hears when it is.

    `data` is None where nothing is kept, `bus` where there is no broker. For real time only.
    """

    def __init__(self, lab: str, data: Path | None, bus: Bus | None = None) -> None:
        self.state = LatchState()
        self._lab = lab
        self._path = None if data is None else latch_file(data, lab)
        self._bus = bus
        self._topic = f"motet/{lab}/estop"
        self._written = self._published = LatchState()
        self._heard = 0
        self._echo = LatchState()
        self._echoed = asyncio.Event()
        self._seen: tuple[int, ...] | None = None
        self._work: dict[str, asyncio.Task[Any]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._not_before: dict[str, float] = {}
        self._tripped: list[Callable[[Latched], object]] = []
        self._cleared: list[Callable[[str], object]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._subscription: Subscription | None = None

    async def __aenter__(self) -> "Latch":
        if self._path is not None:
            self._seen = self._look()
            self._written = self.state = await asyncio.to_thread(read, self._path)
        if self._bus is not None:
            self._subscription = await self._bus.subscribe(self._topic, self._on_message)
            await self._retained(self._bus)
        self._tick()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._subscription is not None:
            with suppress(LineLost):
                await self._subscription.cancel()
        await self.settled()
        while self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def latched(self) -> Latched | None:
        """Who has pressed it when and why, None when it is not pressed."""
        return self.state.latched

    def check(self) -> None:
        """Raises EmergencyStop while it is pressed."""
        if self.latched is not None:
            raise EmergencyStop(
                f"lab {self._lab} is {self.latched}; nothing moves until a person clears it with `motet clear`"
            )

    def listen(self, tripped: Callable[[Latched], object], cleared: Callable[[str], object]) -> None:
        """Call `tripped` at every press, at once if it is pressed already, and `cleared` with whoever has cleared it.

        On the event loop; one that raises is logged.
        """
        self._tripped.append(tripped)
        self._cleared.append(cleared)
        if self.latched is not None:
            self._call(tripped, self.latched)

    def guard(self, *stations: Stoppable) -> None:
        """Stop these stations, all at once, whenever it is pressed, and clear them when it is cleared."""
        for station in stations:
            self.listen(
                lambda latched, station=station: self._spawn(station.estop(str(latched))),
                lambda who, station=station: self._spawn(station.clear()),
            )

    def take(self, state: LatchState) -> None:
        """Learn what somebody else knows."""
        before, known = self.latched, {one.id for one in self.state.trips}
        self.state = self.state.merged(state)
        new = [one for one in self.state.trips if one.id not in known]
        if new:
            for tripped in self._tripped:
                self._call(tripped, new[0])
            for trip in new:
                _log.error("lab %s: %s", self._lab, trip)
        elif before is not None and self.latched is None:
            who = max(self.state.cleared, key=lambda one: one.at).who
            _log.warning("lab %s: the emergency stop was cleared by %s", self._lab, who)
            for cleared in self._cleared:
                self._call(cleared, who)
        self._tell()

    def trip_soon(self, reason: str, who: str | None = None) -> None:
        """Press it: whoever listens is called before this returns, the others hear of it as soon as can be."""
        self.take(self.state.pressed(reason, who or whoami()))

    async def trip(self, reason: str, who: str | None = None) -> None:
        """The same; returns when it was told to file and broker, as far as they can be reached now."""
        self.trip_soon(reason, who)
        await self.settled()

    async def clear(self, who: str | None = None) -> None:
        """A person clears what is known to have been pressed; returns like `trip`."""
        self.take(self.state.released(who or whoami()))
        await self.settled()

    @property
    def untold(self) -> tuple[str, ...]:
        """Where the present state is not known yet: the file, the broker."""
        file = (str(self._path),) if self._path is not None and self._written != self.state else ()
        return file + ((self._bus.url,) if self._bus is not None and self._published != self.state else ())

    async def _retained(self, bus: Bus) -> None:
        """Wait until the broker has sent what it keeps: a message to oneself comes after that, on one connection.

        A broker that forbids such a message has acknowledged it by then, which has to do.
        """
        heard = asyncio.Event()
        topic = f"{self._topic}/echo/{secrets.token_hex(6)}"
        try:
            echo = await bus.subscribe(topic, lambda message: heard.set())
        except ConnectionProblem as error:
            _log.info("%s", error)
            return
        await bus.publish(topic, b"{}")
        with suppress(TimeoutError):
            async with asyncio.timeout(ECHO_S):
                await heard.wait()
        await echo.cancel()

    def _on_message(self, message: Message) -> None:
        self._heard += 1
        try:
            found = parsed(message.payload)
        except ValueError as error:
            reason = str(error).splitlines()[0]
            _log.warning("%s: ignored a message that is no state of the emergency stop: %s", message.topic, reason)
            self._published = LatchState()
        else:
            self._published = self._echo = found
            self._echoed.set()
            self.take(found)
        self._tell()

    def _tick(self) -> None:
        """Look at file and broker. To look at a local file of some hundred bytes takes less than to ask a thread to."""
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._tick)
        if self._path is not None and (now := self._look()) != self._seen:
            self._seen = now
            self._written = found = read(self._path)
            self.take(found)
        if self._bus is not None and not self._bus.connected.is_set():
            self._published = LatchState()  # who knows what the broker has when it is back
        self._tell()

    def _look(self) -> tuple[int, ...] | None:
        assert self._path is not None
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _tell(self) -> None:
        """Begin to tell file and broker what they do not know."""
        if self._path is not None and self._written != self.state:
            self._begin("write", self._write())
        if self._bus is not None and self._published != self.state and self._bus.connected.is_set():
            self._begin("publish", self._publish())

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """One task of each kind at a time; one that failed is not tried again at once."""
        running = self._work.get(name)
        now = asyncio.get_running_loop().time()
        if (running is not None and not running.done()) or now < self._not_before.get(name, 0.0):
            work.close()
            return
        self._work[name] = self._spawn(work)

    async def _write(self) -> None:
        assert self._path is not None
        for _ in range(TURNS):
            await asyncio.sleep(0)
        while self._written != (wanted := self.state):
            try:
                self._written = found = await asyncio.to_thread(update, self._path, wanted)
            except OSError as error:
                _log.error("the emergency stop cannot be kept in %s: %s", self._path, error)
                self._not_before["write"] = asyncio.get_running_loop().time() + AGAIN_S
                return
            self.take(found)
            if found.merged(wanted) != found:
                _log.error("there is no room in %s to say by whom and why the emergency stop was pressed", self._path)
                self._not_before["write"] = asyncio.get_running_loop().time() + AGAIN_S
                return

    async def _publish(self) -> None:
        assert self._bus is not None
        while self._published != (wanted := self.state):
            heard = self._heard
            try:
                await self._bus.publish(self._topic, wanted.model_dump_json(), retain=True)
            except MotetError as error:
                _log.error("the emergency stop cannot be told to the broker: %s", error)
                self._not_before["publish"] = asyncio.get_running_loop().time() + LOOK_S
                return
            if heard == self._heard:  # else what was heard last is what the broker keeps: this, or somebody else's
                self._published = wanted

    async def settled(self) -> None:
        """Wait until what was begun has been done, or has failed."""
        while busy := [task for task in self._work.values() if not task.done()]:
            await asyncio.wait(busy)

    async def confirmed(self, longest: float) -> bool:
        """Whether the broker passes on what it was told, within seconds: what its rules forbid it takes, and drops."""
        with suppress(TimeoutError):
            async with asyncio.timeout(longest):
                while self._echo != self.state:
                    self._echoed.clear()
                    await self._echoed.wait()
        return self._echo == self.state

    def _call(self, listener: Callable[[Any], object], told: Any) -> None:
        try:
            listener(told)
        except Exception:  # noqa: BLE001 - one listener's mistake must not keep the others from stopping
            _log.exception("a listener of the emergency stop failed")

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("emergency stop of lab %s: %s", self._lab, error, exc_info=error)


def whoami() -> str:
    """`ann@lab-pc`: who runs this process, and where."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
