"""What the orchestrator sees of a station, and what a station needs to carry out plans."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from bluesky import Msg

from motet.model.events import StationState
from motet.model.experiment import RunRecord
from motet.model.job import Job
from motet.station.plan import Plan

PERSON = "a person"
"""Who pauses a station unless somebody else does: interlocks hold it by names of their own."""


class NotSafe(Protocol):
    """The devices of a station that did not reach their safe state when they were last told to."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why each did not, by its key; of a station that did not say which, the reason under an empty key."""
        ...

    async def wait(self) -> None:
        """Wait until there are none: they are told again as soon as they answer. Whoever waits sets the bound."""
        ...


class Station(Protocol):
    """One place that works on one experiment at a time. The orchestrator cannot tell where it is."""

    name: str

    @property
    def state(self) -> StationState:
        """What it is doing."""
        ...

    @property
    def unsafe(self) -> NotSafe:
        """Its devices that are not known to be in their safe state."""
        ...

    async def connect(self) -> None:
        """Make sure that every device answers; nothing moves. Raises ConnectionProblem; EmergencyStop while the lab is
        latched."""
        ...

    @property
    def unavailable(self) -> str:
        """Why no job can be sent now: the station does not answer. Empty when one can."""
        ...

    async def available(self) -> None:
        """Wait until a job can be sent."""
        ...

    async def run(self, job: Job, cleared: "asyncio.Future[Any] | None" = None) -> RunRecord:
        """Run the procedure of a job. Failures are in the record, not raised.

        Nothing moves before `cleared` is done; when it raises, neither.
        """
        ...

    async def recall(self, job: Job) -> RunRecord | None:
        """What became of a job that another process sent before it ended; waited for while it still goes on.

        None when it never began here: it may be sent again as it is. A record with the error Interrupted when
        nobody knows how far it came.
        """
        ...

    def acknowledge(self, job: Job) -> None:
        """The record of the job is in the store: the station may forget it."""
        ...

    async def read(self, signal: str) -> Any:
        """The value of `device.signal` now. Raises a MotetError when it cannot be read."""
        ...

    def pause(self, holder: str = PERSON, why: str = "") -> None:
        """Wait before the next step until the same holder resumes."""
        ...

    def resume(self, holder: str = PERSON) -> None:
        """Go on after `pause`, unless somebody else holds the station."""
        ...

    def stop_after(self, reason: str) -> None:
        """Let the experiment end that is here, and none follow."""
        ...

    async def abort(self, reason: str) -> None:
        """Stop what moves, run the cleanup steps and end the running experiment."""
        ...

    async def safe(self) -> None:
        """Bring every device to its safe state."""
        ...

    async def estop(self, reason: str) -> None:
        """Stop every device at once and bring it to its safe state; nothing moves until `clear`.

        The running experiment ends with EmergencyStop, and so does every one that is sent meanwhile.
        """
        ...

    async def clear(self) -> None:
        """After an emergency stop: make sure that every device answers, and be ready again."""
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

    def wake(self) -> None:
        """Let no wait of the plan go on: it is going to be ended."""
        ...
