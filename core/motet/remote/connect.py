"""A station that another process hosts, by its name in the lab file."""

from collections.abc import Callable

from motet.bus import Bus
from motet.contracts.people import Person
from motet.files.units import convert
from motet.model.events import Event
from motet.model.lab import Lab
from motet.plugins import Registry
from motet.remote.manifest import part_of
from motet.remote.station import RemoteStation
from motet.remote.terms import Terms


def connect_remote(
    name: str,
    lab: Lab,
    bus: Bus,
    registry: Registry,
    *,
    orchestrator: str,
    campaign: str,
    person: Person | None = None,
    emit: Callable[[Event], object] = lambda event: None,
    settled: Callable[[str], bool] = lambda job: False,
) -> RemoteStation:
    """The station `name`, not connected yet. `orchestrator` is `orchestrator_id(store)`, `campaign` what its holder is
    called when another one asks for the station, `person` who answers what its steps ask. `settled`, called in a
    thread, says whether it is stored how a job ended. Reads files that options name."""
    lease_s = convert(lab.remote.alone_after, "s")
    heartbeat_s = lease_s if lab.safety.heartbeat is None else convert(lab.safety.heartbeat, "s")
    terms = Terms(
        orchestrator,
        campaign,
        part_of(lab, name, registry),
        lease_s=lease_s,
        renew_s=min(lease_s, heartbeat_s) / 3,
        lost_after_s=convert(lab.remote.lost_after, "s"),
        settled=settled,
    )
    return RemoteStation(name, lab.lab, bus, terms, person=person, emit=emit)
