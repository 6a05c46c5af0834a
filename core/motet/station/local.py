"""The station that lives in this process: devices and a RunEngine on the lab loop."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from bluesky.utils import RequestAbort, RunEngineInterrupted

from motet.devices import Device
from motet.errors import Aborted, EmergencyStop, MotetError, Retryable
from motet.model.events import Event, StationState, StepStarted
from motet.model.experiment import Document, RunRecord
from motet.model.job import Job
from motet.model.lab import Interlock
from motet.model.values import PluginRef
from motet.station.doubts import Doubts
from motet.station.emergency import Emergency
from motet.station.ending import Ending
from motet.station.gate import Gate
from motet.station.interlocks import Interlocks
from motet.station.job_limits import limited
from motet.station.marks import Marks, interrupted, marked
from motet.station.plan import used_devices
from motet.station.plans import Plans, cause_of, metadata_of, no_plugin
from motet.station.plugin_plan import MakePlan
from motet.station.preparing import Preparing
from motet.station.reading import Signals
from motet.station.situation import Situation
from motet.station.stage_leases import StageLeases
from motet.station.states import StateMachine
from motet.station.station import PERSON, Engine, StationPlan
from motet.station.together import begun_since, each, raise_all, unrepeatable_calls


class LocalStation:
    """A station in this process. `interlocks` are those that it watches by itself; `trip` presses the lab's emergency
    stop when one of them says so, after this station was stopped. It cannot be cleared while the lab is `latched`."""

    def __init__(
        self,
        name: str,
        devices: Mapping[str, Device],
        engine: Engine,
        *,
        plans: Callable[[PluginRef], MakePlan] = no_plugin,
        scale: float = 1.0,
        emit: Callable[[Event], object] = lambda event: None,
        interlocks: Mapping[str, Interlock] | None = None,
        trip: Callable[[str], object] = lambda reason: None,
        latched: Callable[[], bool] = lambda: False,
    ) -> None:
        self.name, self.devices = name, devices
        self._engine, self._trip_lab = engine, trip
        self.marks: Marks | None = None  # to note steps that must not be repeated, where that outlives the process
        self._machine = StateMachine(name, emit)
        self.tell = self._machine.tell
        self._gate = Gate(self.settle)
        self._plans = Plans(devices, self._gate, engine, plans, scale, lambda step: emit(StepStarted(name, step)))
        self._is, self._ending = Situation(self._gate), Ending()
        self._documents: list[Document] = []
        self._plan: StationPlan | None = None
        self._reason, self._closed = "", False
        self._free = asyncio.Event()  # set while no experiment is here, and nothing is being connected
        self._free.set()
        self._signals = Signals(devices)
        self._doubts = Doubts(devices, self._signals)
        self._leases = StageLeases(devices)
        self._leases.wait_at(self._gate)
        self._emergency = Emergency(name, devices, self._is, self._signals, self._doubts, self, latched)
        self.unsafe = self._emergency.unsafe
        self._preparing = Preparing(self.unsafe, self._doubts, self.tell)
        self._interlocks = Interlocks.of_station(
            name, interlocks or {}, self, self._signals.unit_of, self._trip, emit, scale, self._gate.fail
        )
        engine.subscribe(lambda name, document: self._documents.append((name, document)))

    @property
    def state(self) -> StationState:
        """What it is doing."""
        return self._machine.state

    async def connect(self) -> None:
        """Connect all devices at once. Raises ConnectionProblem naming all that failed, EmergencyStop while stopped."""
        self._emergency.check()
        if self._is.busy or self._is.connecting:
            raise MotetError(f"station {self.name} is {self.state}: it cannot connect now")
        self._is.aborted = self._is.fault = False
        self._is.connecting = True
        self._free.clear()
        self.settle()
        failed: Mapping[str, BaseException] = {}
        try:
            _, failed = await each(self.devices, lambda device: device.connect())
            if not failed:
                self._is.connected = True
                await self._interlocks.start()
        finally:
            self._is.connecting, self._is.fault = False, bool(failed)
            self._free.set()
            self.settle(str(next(iter(failed.values()), "")))
        raise_all(failed)
        await self._emergency.repeat()  # what was pressed meanwhile could not reach a device whose line was not open
        self._emergency.check()

    async def run(self, job: Job, cleared: "asyncio.Future[Any] | None" = None) -> RunRecord:
        """Run the procedure once. The record holds what was measured, and the error when it failed.

        The run is opened while `cleared` is awaited; its first step begins when it is done.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        if (refusal := self._refusal(job)) is not None:
            return RunRecord((), started, started, refusal)
        self._documents, self._reason, self._ending = [], "", Ending()
        before = unrepeatable_calls(self.devices)
        self._begin()
        try:
            error = await self._attempt(job, cleared)
        except BaseException:
            self._is.aborting = True
            self.settle("its task was cancelled")
            self._end("its task was cancelled")
            raise
        ended = loop.time()
        if isinstance(error, Retryable):
            self._doubts.after(error)
        self._end(str(error or ""))
        return RunRecord(tuple(self._documents), started, ended, error, begun_since(before, self.devices))

    def _refusal(self, job: Job) -> Exception | None:
        """Why the job cannot be run here now."""
        if self._emergency.error is not None:
            return EmergencyStop(str(self._emergency.error))
        if self._is.busy or self._is.connecting or not self._is.connected:
            return MotetError(f"station {self.name} is {self.state}: it cannot run experiment {job.experiment.id} now")
        return None

    def _begin(self) -> None:
        self._is.aborted = False
        self.settle()
        self._is.fault, self._is.busy = False, True
        self._free.clear()
        self.settle()

    def _end(self, cause: str) -> None:
        self._is.aborted, self._is.aborting = self._is.aborting, False
        self._is.busy = self._is.finishing = False
        self._is.fault = self._is.fault or bool(self.unsafe.reasons)
        if self._emergency.error is None:
            self._gate.pass_through(False)
            self.settle(cause)
        self._free.set()

    async def _attempt(self, job: Job, cleared: "asyncio.Future[Any] | None") -> Exception | None:
        try:
            plan = self._plan = self._plans.make(job, cleared)
        except MotetError as error:
            return error
        try:
            with limited(self.devices, job.limits), marked(self.devices, job, self.marks):
                plan.check()
                await self._preparing.settle()
                if self._is.aborting or self._emergency.error is not None:  # meanwhile: it waits for no lease any more
                    raise self._emergency.error or Aborted(self._reason)
                async with self._leases.held(used_devices(job.procedure), plan.abort, job.priority):
                    await self._execute(plan, metadata_of(job, self.name))
        except RunEngineInterrupted as interrupted:
            return self._ending.error or self._leases.overtime or Aborted(self._reason or str(interrupted))
        except Exception as error:  # noqa: BLE001 - handed to the orchestrator's failure policy, whatever it is
            return self._ending.error or cause_of(plan.error or error)
        finally:
            self._plan = None
        if isinstance(plan.error, RequestAbort):
            return self._leases.overtime or Aborted(self._reason)
        return None

    async def _execute(self, plan: StationPlan, metadata: Mapping[str, Any]) -> None:
        """The RunEngine's run. When this is cancelled, the run is aborted in order first: the RunEngine takes a
        cancellation of its task for a step that failed."""
        running = asyncio.ensure_future(self._engine.run(self._ending.carried(plan.plan(metadata))))
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            try:
                await plan.abort()
            finally:
                await asyncio.wait([running])
                if not running.cancelled():
                    running.exception()  # seen: the cancellation says more
            raise
        finally:
            if plan.unclean and self._emergency.error is None:  # as long as the shared devices are still its own
                await self.safe()

    @property
    def unavailable(self) -> str:
        """That it is e-stopped, or is being cleared: a job would end with the emergency stop that is just over."""
        return self._emergency.unavailable

    async def available(self) -> None:
        """When it is cleared; otherwise at once."""
        await self._emergency.over.wait()

    async def recall(self, job: Job) -> RunRecord | None:
        """Nothing is left of a run whose process has ended but what it did to the lab; see `marks`."""
        return await interrupted(job, self.name, self.devices, self.marks)

    def acknowledge(self, job: Job) -> None:
        """Nothing was kept here."""

    async def read(self, signal: str) -> Any:
        """The value of `device.signal` now. Raises a MotetError when it cannot be read."""
        return await self._signals.read(signal)

    def pause(self, holder: str = PERSON, why: str = "") -> None:
        """Wait before the next step until the same holder resumes."""
        self._gate.close(holder, why)
        self.settle("" if self._is.stopped else why)

    def resume(self, holder: str = PERSON) -> None:
        """Go on after `pause`, unless somebody else holds the station."""
        self._gate.open(holder)
        self.settle(self._gate.why)

    def stop_after(self, reason: str) -> None:
        """Let the experiment end that is here; none follows."""
        self._is.finishing = self._is.busy
        self._gate.open(PERSON)
        self.settle(reason if self._is.busy else "")

    async def abort(self, reason: str) -> None:
        """Stop what moves, run the cleanup steps and end the running experiment; without one, do nothing."""
        if self._plan is None or self._emergency.error is not None:
            return
        self._reason = reason
        self._is.aborting = True
        self._gate.open(PERSON)
        self.settle(reason)
        self._preparing.give_up(reason)
        self._leases.give_up(reason)
        await self._plan.abort()

    async def safe(self) -> None:
        """Bring every device to its safe state, all at once. One that fails to is told again as soon as it answers."""
        await self._emergency.leave_safe()

    async def estop(self, reason: str) -> None:
        """Stop every device at once and lock it; end the experiment with EmergencyStop; bring the devices to safety."""
        if not self._closed:
            await self._emergency.press(reason)

    async def clear(self) -> None:
        """After an emergency stop: connect every device anew, when the experiment that was stopped has ended."""
        if not self._closed:
            await self._emergency.clear()

    async def close(self) -> None:
        """Give every line back."""
        self._closed = True
        self._free.set()
        await self._emergency.close()
        await self._interlocks.stop()
        _, problems = await each(self.devices, lambda device: device.close())
        self._is.forget()
        self.settle()
        for error in problems.values():
            raise error

    def _trip(self, reason: str) -> None:
        """One of the station's own interlocks presses the emergency stop."""
        if not self._closed:
            self._emergency.press(reason)
        self._trip_lab(reason)

    def close_plan(self, error: EmergencyStop) -> None:
        """From its next message on the plan that runs does nothing but end with the error."""
        self._ending.end(error)
        self._preparing.give_up(str(error))
        self._leases.give_up(str(error))
        if self._plan is not None:
            self._plan.wake()

    async def end_run(self, error: EmergencyStop) -> None:
        """End what the plan still waits for."""
        if self._ending.at_work:
            await self._engine.abort_run(str(error))

    async def at_rest(self) -> bool:
        """Wait until no experiment is here and nothing is being connected; False when the station was closed."""
        await self._free.wait()
        return not self._closed

    async def look_again(self, anew: bool) -> None:
        """Look at the interlocks, from now on or anew."""
        await self._interlocks.start(anew=anew)

    def settle(self, cause: str = "") -> None:
        """Go to the state that follows from all that is known."""
        state = self._is.state(self.state)
        self._machine.go(state, cause or (self._gate.why if state is StationState.PAUSED is not self.state else ""))
