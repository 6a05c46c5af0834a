"""What the orchestrator sees of a station, and the station that lives in this process."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from bluesky import Msg
from bluesky.utils import FailedStatus, RequestAbort, RunEngineInterrupted

from motet.devices import Device
from motet.errors import Aborted, ConnectionProblem, LineLost, MotetError, Retryable
from motet.model.events import Event, StationChanged, StationState, StepStarted
from motet.model.experiment import Document, Experiment, RunRecord
from motet.model.procedure import Procedure
from motet.station.plan import Plan, ProcedurePlan
from motet.station.plugin_plan import MakePlan, PluginPlan

SAFE_TIMEOUT_S = 10.0
"""How long a device may take to reach its safe state before that is reported as a fault."""

_log = logging.getLogger(__name__)


class Station(Protocol):
    """One place that works on one experiment at a time. The orchestrator cannot tell where it is."""

    name: str

    async def connect(self) -> None:
        """Make sure that every device answers. Raises ConnectionProblem; nothing moves."""
        ...

    async def run(self, experiment: Experiment, cleared: "asyncio.Future[Any] | None" = None) -> RunRecord:
        """Run the procedure for one experiment. Failures are in the record, not raised.

        Nothing moves before `cleared` is done; when it raises, neither.
        """
        ...

    def pause(self) -> None:
        """Wait before the next step until `resume`."""
        ...

    def resume(self) -> None:
        """Go on after `pause`."""
        ...

    async def abort(self, reason: str) -> None:
        """Stop what moves, run the cleanup steps and end the running experiment."""
        ...

    async def safe(self) -> None:
        """Bring every device to its safe state."""
        ...

    async def close(self) -> None:
        """Give every line back."""
        ...


class Engine(Protocol):
    """What carries out plans: a RunEngine on the lab loop, or the fast one."""

    @property
    def state(self) -> str:
        """`running` while it does."""
        ...

    def subscribe(self, func: Callable[[str, Mapping[str, Any]], Any], /) -> Any:
        """Hand every document to `func`."""
        ...

    async def run(self, plan: Iterable[Msg]) -> None:
        """Carry out a plan."""
        ...

    async def abort_run(self, reason: str) -> None:
        """End the run that goes on, wherever it waits."""
        ...


class StationPlan(Protocol):
    """One passage through a procedure, whoever wrote it."""

    error: Exception | None
    unclean: bool

    def check(self) -> None:
        """Raises LimitError or ProcedureError for what is known to be wrong before the first move."""
        ...

    def plan(self, metadata: Mapping[str, Any]) -> Plan:
        """The Bluesky messages."""
        ...

    async def abort(self) -> None:
        """Stop what moves, begin no further step but cleanup."""
        ...


class LocalStation:
    """A station in this process: devices and a RunEngine on the lab loop."""

    def __init__(
        self,
        name: str,
        devices: Mapping[str, Device],
        procedure: Procedure | MakePlan,
        engine: Engine,
        *,
        units: Mapping[str, str] | None = None,
        scale: float = 1.0,
        emit: Callable[[Event], object] = lambda event: None,
    ) -> None:
        self.name = name
        self.devices = devices
        self._procedure = procedure
        self._engine = engine
        self._units = dict(units or {})
        self._scale = scale
        self._emit = emit
        self._gate = asyncio.Event()
        self._gate.set()
        self._documents: list[Document] = []
        self._plan: StationPlan | None = None
        self._reason = ""
        self._doubted: set[str] = set()
        """The devices, by key, that have to show who they are before the next run."""
        engine.subscribe(self._collect)

    async def connect(self) -> None:
        """Connect all devices at once. Raises one ConnectionProblem that names every device that failed."""
        self._tell(StationState.CONNECTING)
        results = await asyncio.gather(*(d.connect() for d in self.devices.values()), return_exceptions=True)
        failed = [result for result in results if isinstance(result, BaseException)]
        if failed:
            self._tell(StationState.FAULT, str(failed[0]))
            for error in failed:
                if not isinstance(error, MotetError):
                    raise error
            raise ConnectionProblem("\n".join(map(str, failed)))
        self._tell(StationState.IDLE)

    async def run(self, experiment: Experiment, cleared: "asyncio.Future[Any] | None" = None) -> RunRecord:
        """Run the procedure once. The record holds what was measured, and the error when it failed.

        The run is opened while `cleared` is awaited; its first step begins when it is done.
        """
        loop = asyncio.get_running_loop()
        self._documents = []
        self._reason = ""
        self._tell(StationState.RUNNING if self._gate.is_set() else StationState.PAUSED)
        started = loop.time()
        error = await self._attempt(experiment, cleared)
        ended = loop.time()
        if isinstance(error, Retryable):
            self._doubted |= self._named(error)
        self._tell(StationState.IDLE, str(error or ""))
        return RunRecord(tuple(self._documents), started, ended, error)

    async def _attempt(self, experiment: Experiment, cleared: "asyncio.Future[Any] | None") -> Exception | None:
        plan = self._new_plan(experiment, cleared)
        self._plan = plan
        try:
            plan.check()
            await self._reconnect()
            metadata = {
                "experiment": experiment.id,
                "station": self.name,
                "parameters": dict(experiment.parameters),
            }
            await self._execute(plan, metadata)
        except RunEngineInterrupted as interrupted:
            return Aborted(self._reason or str(interrupted))
        except Exception as error:  # noqa: BLE001 - handed to the orchestrator's failure policy, whatever it is
            return _cause(plan.error or error)
        finally:
            self._plan = None
            if plan.unclean:
                await self.safe()
        return Aborted(self._reason) if isinstance(plan.error, RequestAbort) else None

    async def _execute(self, plan: StationPlan, metadata: Mapping[str, Any]) -> None:
        """The RunEngine's run. When this is cancelled, the run is aborted in order first: the RunEngine takes a
        cancellation of its task for a step that failed."""
        running = asyncio.ensure_future(self._engine.run(plan.plan(metadata)))
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

    def _new_plan(self, experiment: Experiment, cleared: "asyncio.Future[Any] | None") -> StationPlan:
        if not isinstance(self._procedure, Procedure):
            return PluginPlan(
                self._procedure, self.devices, dict(experiment.parameters), self._gate, self._engine, cleared
            )
        return ProcedurePlan(
            self._procedure,
            self.devices,
            values=dict(experiment.parameters),
            units=dict(self._units),
            gate=self._gate,
            cleared=cleared,
            scale=self._scale,
            started=lambda step: self._emit(StepStarted(self.name, step)),
        )

    def _named(self, error: Exception) -> set[str]:
        """The devices that an error is about: those that it names, or else all. The others are left alone: opening a
        port again makes some instruments forget where they are."""
        return {key for key, device in self.devices.items() if device.name in str(error)} or set(self.devices)

    async def _reconnect(self) -> None:
        """After a lost line or a silent instrument: open it anew and make sure who answers. Raises LineLost."""
        for key, device in self.devices.items():
            line = device.context.line
            if key not in self._doubted and (line is None or line.is_open):
                continue
            self._doubted.add(key)
            try:
                forgotten = await device.recover()
            except ConnectionProblem as error:
                raise LineLost(str(error)) from error
            self._doubted.discard(key)
            if forgotten:
                told = f"{device.name} was connected again; not known any more: {'; '.join(forgotten)}"
                self._tell(StationState.RUNNING if self._gate.is_set() else StationState.PAUSED, told)

    def pause(self) -> None:
        """Wait before the next step until `resume`."""
        self._gate.clear()
        self._tell(StationState.PAUSED)

    def resume(self) -> None:
        """Go on after `pause`."""
        self._gate.set()
        self._tell(StationState.RUNNING if self._engine.state == "running" else StationState.IDLE)

    async def abort(self, reason: str) -> None:
        """Stop what moves, run the cleanup steps and end the running experiment; without one, do nothing."""
        if self._plan is None:
            return
        self._reason = reason
        self._tell(StationState.ABORTING, reason)
        await self._plan.abort()

    async def safe(self) -> None:
        """Bring every device to its safe state, all at once. A device that fails to is named in the station's fault."""
        results = await asyncio.gather(*(_safe(d) for d in self.devices.values()), return_exceptions=True)
        for device, result in zip(self.devices.values(), results, strict=True):
            if isinstance(result, BaseException):
                cause = f"{device.name} did not reach its safe state: {result or type(result).__name__}"
                _log.error("%s: %s", self.name, cause)
                self._tell(StationState.FAULT, cause)

    async def close(self) -> None:
        """Give every line back."""
        results = await asyncio.gather(*(device.close() for device in self.devices.values()), return_exceptions=True)
        self._tell(StationState.OFFLINE)
        for error in results:
            if isinstance(error, BaseException):
                raise error

    def _collect(self, name: str, document: Mapping[str, Any]) -> None:
        self._documents.append((name, document))

    def _tell(self, state: StationState, cause: str = "") -> None:
        self._emit(StationChanged(self.name, state, cause))


async def _safe(device: Device) -> None:
    async with asyncio.timeout(SAFE_TIMEOUT_S):
        await device.safe()


def _cause(error: Exception) -> Exception:
    """The error that a driver raised, from inside the RunEngine's FailedStatus."""
    while isinstance(error, FailedStatus) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return error
