"""The emergency stop of one station: stop, lock, make safe; and the way back."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from motet.devices import Device
from motet.errors import EmergencyStop
from motet.station.doubts import Doubts
from motet.station.reading import Signals
from motet.station.situation import Situation
from motet.station.together import (
    CONNECT_TIMEOUT_S,
    SAFE_TIMEOUT_S,
    STOP_TIMEOUT_S,
    connect_and_halt,
    connect_anew,
    each,
    forgotten,
    halt,
    told,
)
from motet.station.unsafe import Unsafe

_log = logging.getLogger(__name__)


class Stopped(Protocol):
    """What a station does about its own emergency stop."""

    def close_plan(self, error: EmergencyStop) -> None:
        """From its next message on the plan that runs does nothing but end with the error."""
        ...

    async def end_run(self, error: EmergencyStop) -> None:
        """End what the plan still waits for."""
        ...

    async def at_rest(self) -> bool:
        """Wait until no experiment is here and nothing is being connected; False when the station was closed."""
        ...

    async def look_again(self, anew: bool) -> None:
        """Look at the interlocks, `anew` also at those that are tripped: one of them may press the emergency stop."""
        ...

    def settle(self, cause: str = "") -> None:
        """Go to the state that follows from the situation."""
        ...

    def tell(self, news: str) -> None:
        """Something to be known of the station; nothing when empty."""
        ...


@dataclass
class Emergency:
    """Presses and clears the emergency stop of one station."""

    name: str
    devices: Mapping[str, Device]
    situation: Situation
    signals: Signals
    doubts: Doubts
    station: Stopped
    latched: Callable[[], bool] = lambda: False
    """Whether the lab's emergency stop is pressed, as far as is known here: then nobody can clear one station."""
    error: EmergencyStop | None = None
    """What everything ends with, None while nothing is stopped."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while nothing is stopped."""
    unsafe: Unsafe = field(init=False)
    """The devices that did not reach their safe state."""
    _opening: "asyncio.Task[Any] | None" = field(default=None, init=False)
    """Connects every device anew, while somebody clears it."""
    _closed: bool = field(default=False, init=False)
    _at_work: set["asyncio.Task[None]"] = field(default_factory=set["asyncio.Task[None]"])

    def __post_init__(self) -> None:
        self.over.set()
        self.unsafe = Unsafe(self.devices, self.signals, self.doubts, self._is_free, self._on_safe)

    @property
    def unavailable(self) -> str:
        """That and why it is pressed; empty while it is not."""
        if self.error is None:
            return ""
        return f"station {self.name} is {'being cleared' if self.situation.clearing else 'e-stopped'}: {self.error}"

    def check(self) -> None:
        """Raises EmergencyStop while it is pressed."""
        if self.error is not None:
            raise EmergencyStop(self.unavailable)

    def press(self, reason: str) -> "asyncio.Task[None]":
        """From now on no verb of any device does anything. The task stops all devices at once, and makes them safe."""
        error = self.error = EmergencyStop(reason)
        self.over.clear()
        for device in self.devices.values():
            device.locked = error
        task = self._begin(error)
        self.situation.stopped, self.situation.clearing = True, False
        self.station.settle(reason)
        return task

    async def repeat(self) -> None:
        """Stop the devices once more if it is pressed: they may only now be there to be stopped."""
        if self.error is not None:
            await self._begin(self.error)

    async def finished(self) -> None:
        """Wait until what was pressed has been carried out."""
        if self._at_work:
            await asyncio.wait(self._at_work)

    async def clear(self) -> None:
        """Connect every device anew, and let the station do again what it is asked to. See `Station.clear`.

        A press that comes meanwhile stays: it has to be cleared by itself. While the lab's own is pressed nothing is
        done: the station is cleared with it.
        """
        if self.latched():
            _log.warning("station %s stays e-stopped: its lab is; a person clears that with `motet clear`", self.name)
            return
        pressed = self.error
        if pressed is None or self.situation.clearing or not await self._at_rest():
            return
        if self.error is not pressed or self.situation.clearing or self._closed:
            return
        self.situation.clearing = True
        self.station.settle("a person clears the emergency stop")
        opening = self._opening = asyncio.ensure_future(self._open_anew())
        try:
            await asyncio.wait([opening])
            if self._closed:
                return
            lost, problems = opening.result()
        except BaseException:
            opening.cancel()
            if self.error is pressed:
                self.situation.clearing = False
                self.station.settle("it was not cleared")
            raise
        if self.error is not pressed:
            return
        self.error = None
        for device in self.devices.values():
            device.locked = None
        self.situation.cleared(fault=bool(problems))
        self.over.set()
        self.station.settle(told(self.devices, problems, "does not answer") or forgotten(self.devices, lost))

    async def _at_rest(self) -> bool:
        """Wait until there is nothing left of what was stopped. What takes too long is told, and waited for all the
        same: nobody would clear the station later on."""
        await self.finished()
        resting = asyncio.ensure_future(self.station.at_rest())
        try:
            done, _ = await asyncio.wait([resting], timeout=SAFE_TIMEOUT_S)
            if not done:
                _log.error("%s: its experiment does not end; it stays e-stopped until then", self.name)
                self.station.tell("its experiment does not end; it stays e-stopped until then")
            there = await resting
        finally:
            resting.cancel()
        await self.finished()
        return there

    def _begin(self, error: EmergencyStop) -> "asyncio.Task[None]":
        task = asyncio.create_task(self._stop(error), name=f"emergency stop of {self.name}")
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)
        return task

    async def leave_safe(self) -> None:
        """The same without an emergency: a device that fails to is named in the station's fault."""
        problems = await self.make_safe()
        if self.error is None:
            self.situation.fault = bool(problems) or (self.situation.fault and self.situation.busy)
            self.station.settle(told(self.devices, problems, "did not reach its safe state"))

    async def close(self) -> None:
        """The lines are given back: what was pressed is carried out first; what is being cleared is not, and what is
        not safe is tried no more: a device that is opened anew now would be left open."""
        self._closed = True
        await self.finished()
        if self._opening is not None and self._opening.cancel():
            await asyncio.wait([self._opening])
        await self.unsafe.stop()

    async def _open_anew(self) -> tuple[Mapping[str, Sequence[str]], Mapping[str, BaseException]]:
        """What is not known any more of each device that answers, and what went wrong with the others."""
        async with self.signals.undisturbed(self.devices):
            lost, problems = await each(self.devices, self._connect_anew, CONNECT_TIMEOUT_S)
        self.doubts.about(problems)
        self.doubts.dispelled(lost)
        self.unsafe.found(lost, problems)
        await self.station.look_again(anew=not problems)  # a station that started stopped has not looked yet
        return lost, problems

    async def make_safe(self) -> Mapping[str, BaseException]:
        """Bring every device to its safe state. Those that did not reach it are logged and in doubt; they are told
        again as soon as they answer."""
        safe, problems = await each(self.devices, lambda device: device.safe(), SAFE_TIMEOUT_S)
        self._told(problems, "did not reach its safe state")
        self.doubts.about(problems)
        self.unsafe.found(safe, problems)
        return problems

    def _is_free(self) -> bool:
        """Whether devices that are not safe can be opened anew now."""
        there = self.situation
        return not (there.busy or there.connecting or there.clearing or self._at_work)

    def _on_safe(self, news: str) -> None:
        """Some have reached their safe state at last."""
        if self.situation.stopped:
            self.station.tell(news)
            return
        self.situation.fault = self.situation.fault and bool(self.unsafe.reasons)
        self.station.settle(news)

    async def _connect_anew(self, device: Device) -> Sequence[str]:
        """What is not known of it any more. One that could not be made safe is made safe, now that it answers."""
        lost = await connect_anew(device)
        if any(self.devices[key] is device for key in self.unsafe.reasons):
            await device.safe()
        return lost

    async def _stop(self, error: EmergencyStop) -> None:
        self.station.close_plan(error)
        problems = await self._halted()  # before anything else: to end a run takes longer than to stop what moves
        await self.station.end_run(error)
        self._told(problems, "could not be stopped")
        await self.make_safe()

    async def _halted(self) -> Mapping[str, BaseException]:
        there = self.situation.connected or self.situation.connecting
        act, longest = (halt, STOP_TIMEOUT_S) if there else (connect_and_halt, CONNECT_TIMEOUT_S)
        _, problems = await each(self.devices, act, longest)
        return problems

    def _told(self, problems: Mapping[str, BaseException], what: str) -> None:
        cause = told(self.devices, problems, what)
        if cause:
            _log.error("%s: %s", self.name, cause)
        if self.error is not None:
            self.station.tell(cause)
