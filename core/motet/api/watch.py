"""Looking at a lab from a process of its own: what its emergency stop, its stations and its campaigns tell.

Stations in processes of their own are heard at the broker, and those of campaigns are found in the store. Nothing that
is shown here decides about anything; only the emergency stop can be pressed and cleared, by `motet.api.estop`.
"""

import asyncio
import logging
import os
import secrets
from collections.abc import Collection, Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import reduce
from pathlib import Path
from types import TracebackType
from typing import Any

from motet.api import estop
from motet.api.broker import address
from motet.api.lab_view import LabView, StationView
from motet.api.seen import HeardStations, StoredStations
from motet.bus import Bus
from motet.errors import ConnectionProblem, LineLost
from motet.files.lab import load_lab
from motet.files.units import convert
from motet.model.broker import Broker
from motet.model.events import StationState
from motet.plugins import Registry
from motet.stamps import wall
from motet.station.latch import Latch
from motet.station.latch_state import Latched, LatchState

AGAIN_S = 2.0
"""How long to wait before a broker that could not be reached is tried again, seconds."""
LOOK_S = 0.5
"""How often the store is looked at, seconds."""
STOPPED_S = 2.0
"""How long after a press a station may take to be seen stopped, seconds; it takes much less to stop."""

_STOPPED = (StationState.ESTOPPED, StationState.OFFLINE, None)
"""What else is none of a station's own: nobody knows more of it, which is shown."""
_log = logging.getLogger(__name__)


class Watch:
    """`async with Watch(lab_file, data, registry) as watch`: knows the lab as it is now.

    It also keeps the emergency stop in file and broker the same: what one of them was not told is told when it is back.
    Raises FileProblems for a lab file with mistakes; a broker that is away is waited for. For real time only.
    """

    def __init__(self, path: Path, data: Path, registry: Registry) -> None:
        self.lab = lab = load_lab(path, registry).lab
        self._data = data
        self._place = estop.Place(lab=lab.lab, broker=lab.broker)
        self._heard = HeardStations(lab.lab, convert(lab.remote.lost_after, "s"))
        self._stored = StoredStations(lab.lab, data)
        self._latches: list[Latch] = []
        self._pressed = 0.0
        """When a press was last heard of, by the event loop's clock."""
        self._stack = AsyncExitStack()
        self._bus: Bus | None = None
        self._away = ""
        self._defects: dict[str, str] = {}

    async def __aenter__(self) -> "Watch":
        self._latches.append(await self._stack.enter_async_context(Latch(self.lab.lab, self._data)))
        self._latches[0].listen(self._on_press, lambda who: None)
        self._start("looks at the store", self._look())
        if (broker := self._broker()) is not None:
            self._away = f"{broker.url} was not reached yet"
            self._start("listens at the broker", self._listen(broker))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def view(self) -> LabView:
        """The lab now."""
        stations = tuple(map(self._station, self.lab.stations))
        return LabView(
            lab=self.lab.lab,
            simulated=self.lab.hardware == "simulated",
            at=wall(),
            presses=self._latch.trips,
            untold=self._untold,
            unstopped=self._unstopped(stations),
            stations=stations,
            problems=tuple(self._problems()),
        )

    async def press(self, reason: str, who: str, identity: str = "") -> estop.Told:
        """Press the emergency stop, whether or not the broker is there: as `motet.api.estop.estop` does. Who sends it
        again gives it the same id, drawn at random: it is one press then."""
        state = self._latch.pressed(reason or "no reason was given", who, identity)
        for latch in self._latches:  # at once, over the connection that is there; and they go on telling it
            latch.take(state)
        return await estop.tell(self._place, self._data, state)

    async def clear(self, who: str, seen: Collection[str]) -> estop.Told:
        """Clear the presses with these ids, and no others. Raises NotFound when nothing is pressed."""
        return await estop.clear(self._place, self._data, who, seen)

    @property
    def _latch(self) -> LatchState:
        return reduce(LatchState.merged, (latch.state for latch in self._latches))

    @property
    def _untold(self) -> tuple[str, ...]:
        """Where what is pressed is not known yet."""
        if not self._latch.trips:
            return ()
        never = [self._away] if self._bus is None and self._away else []
        return tuple(dict.fromkeys([*(place for latch in self._latches for place in latch.untold), *never]))

    def _on_press(self, latched: Latched) -> None:
        self._pressed = asyncio.get_running_loop().time()

    def _unstopped(self, stations: Sequence[StationView]) -> tuple[str, ...]:
        if not self._latch.trips or asyncio.get_running_loop().time() - self._pressed < STOPPED_S:
            return ()
        return tuple(one.name for one in stations if one.state not in _STOPPED)

    def _station(self, name: str) -> StationView:
        found = self.lab.stations[name]
        devices = (*found.devices, *self.lab.shared_by(name))
        if self.lab.elsewhere(name):
            state, cause, campaign, since = self._heard.now(name, self._gone)
        else:
            state, cause, campaign, since = self._stored.now(name)
        return StationView(
            name=name,
            remote=found.remote,
            state=state,
            cause=cause,
            campaign=campaign,
            since=since,
            devices=devices,
        )

    def _broker(self) -> Broker | None:
        """Where stations in processes of their own are heard; of an embedded broker without a port there are none."""
        broker = self.lab.broker
        if not broker.for_others:
            return None
        return broker.at(f"mqtt://127.0.0.1:{broker.port}") if broker.embedded else broker

    @property
    def _gone(self) -> str:
        """Why the broker cannot tell anything, empty when it can."""
        if self._bus is None:
            return self._away
        return "" if self._bus.connected.is_set() else f"the connection to {self._bus.url} is lost"

    def _problems(self) -> list[str]:
        needed = self._gone and (not self.lab.broker.embedded or any(s.remote for s in self.lab.stations.values()))
        broker = [f"broker: {self._gone}"] if needed else []
        store = [f"store: {self._stored.problem}"] if self._stored.problem else []
        return [*broker, *store, *self._defects.values()]

    async def _listen(self, broker: Broker) -> None:
        """Connect, again and again until it works; from then on the bus reconnects by itself."""
        while True:
            try:
                async with AsyncExitStack() as stack:
                    name = f"motet-dashboard-{os.getpid()}-{secrets.token_hex(4)}"
                    bus = await stack.enter_async_context(Bus(await address(broker), client_id=name))
                    latch = await stack.enter_async_context(Latch(self.lab.lab, self._data, bus))
                    await bus.subscribe(f"motet/{self.lab.lab}/station/+/state", self._heard.take)
                    latch.listen(self._on_press, lambda who: None)
                    self._latches.append(latch)
                    stack.callback(self._latches.remove, latch)
                    self._bus = bus
                    await asyncio.get_running_loop().create_future()  # until it is cancelled
            except (ConnectionProblem, LineLost) as error:
                self._away = str(error)
            finally:
                self._bus = None
            await asyncio.sleep(AGAIN_S)

    async def _look(self) -> None:
        while True:
            await asyncio.to_thread(self._stored.look)
            await asyncio.sleep(LOOK_S)

    def _start(self, what: str, work: Coroutine[Any, Any, None]) -> None:
        """A task until the end; one that fails says so for everybody to see."""

        def ended(task: "asyncio.Task[None]") -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                _log.error("what %s has failed: %s", what, error, exc_info=error)
                self._defects[what] = f"what {what} has failed, start the dashboard again: {error}"

        task = asyncio.create_task(work)
        task.add_done_callback(ended)
        self._stack.push_async_callback(_cancelled, task)


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])
