"""The plan of a job: a procedure's steps, or what a plugin brings."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bluesky.utils import FailedStatus

from motet.devices import Device
from motet.errors import PluginProblem
from motet.model.job import Job
from motet.model.values import PluginRef
from motet.station.gate import Gate
from motet.station.plan import ProcedurePlan
from motet.station.plugin_plan import MakePlan, PluginPlan
from motet.station.station import Engine, StationPlan


def no_plugin(ref: PluginRef) -> MakePlan:
    """For stations that know no plugins. Raises PluginProblem."""
    raise PluginProblem(f"the procedure plugin {ref.name!r}: this station knows no plugins")


@dataclass(frozen=True, slots=True)
class Plans:
    """Makes the plans of one station. `scale` is lab seconds a second; `started` hears of every step."""

    devices: Mapping[str, Device]
    gate: Gate
    engine: Engine
    plugin: Callable[[PluginRef], MakePlan]
    scale: float
    started: Callable[[str], object]

    def make(self, job: Job, cleared: "asyncio.Future[Any] | None") -> StationPlan:
        """One passage through the procedure of a job. Raises PluginProblem."""
        if isinstance(job.procedure, PluginRef):
            make = self.plugin(job.procedure)
            return PluginPlan(make, self.devices, job.values, self.gate, self.engine, cleared)
        return ProcedurePlan(
            job.procedure,
            self.devices,
            values=job.values,
            units=dict(job.units),
            gate=self.gate,
            cleared=cleared,
            scale=self.scale,
            started=self.started,
        )


def metadata_of(job: Job, station: str) -> dict[str, Any]:
    """What the start document of a job's run says."""
    about = {"experiment": job.experiment.id, "station": station, "parameters": dict(job.experiment.parameters)}
    return {**about, "stage": job.stage} if job.stage else about


def cause_of(error: Exception) -> Exception:
    """The error that a driver raised, from inside the RunEngine's FailedStatus."""
    while isinstance(error, FailedStatus) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return error
