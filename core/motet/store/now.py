"""What a store knows of the stations of a lab now: the last change of each, whichever campaign it came from."""

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from motet.errors import StoreError
from motet.model.events import ENDS, CampaignState, StationState
from motet.store.connect import open_reader
from motet.store.queries import select, stamp
from motet.store.rows import StationChange

_LAST = (
    "SELECT station_changes.*, MAX(station_changes.id) AS last"
    " FROM station_changes JOIN campaigns ON campaigns.id = station_changes.campaign"
    " WHERE lab = :lab AND station_changes.id > :after GROUP BY station"
)
"""SQLite takes the other columns of a group from the row of its maximum."""


@dataclass(frozen=True, slots=True)
class StationNow:
    """The last change of a station, and the campaign that it came from."""

    change: StationChange
    campaign: str


@dataclass(frozen=True, slots=True)
class LabNow:
    """What has changed since somebody looked last. `upto` is what `after` is to be the next time."""

    upto: int
    stations: Mapping[str, StationNow]
    open: frozenset[str]
    """The campaigns of the lab that have not ended, as far as the store knows: their process may be gone."""


def lab_now(store: Path, lab: str, after: int = 0) -> LabNow:
    """The last change of every station that has changed since. Raises StoreError when the store cannot be read."""
    try:
        with closing(open_reader(store)) as connection:
            connection.execute("BEGIN")
            return _read(Database(connection, recursive_triggers=False, execute_plugins=False), lab, after)
    except sqlite3.Error as error:
        raise StoreError(f"{store}: cannot be read: {error}") from error


def _read(db: Database, lab: str, after: int) -> LabNow:
    stations, upto = dict[str, StationNow](), after
    for row in select(db, _LAST, lab=lab, after=after):
        upto = max(upto, int(row["last"]))
        change = StationChange(row["station"], StationState(row["state"]), row["cause"], stamp(row))
        stations[change.station] = StationNow(change, row["campaign"])
    rows = select(db, "SELECT id, state FROM campaigns WHERE lab = :lab", lab=lab)
    return LabNow(upto, stations, frozenset(row["id"] for row in rows if not _over(CampaignState(row["state"]))))


def writer(store: Path) -> int | None:
    """The process that writes to a store on this computer, None when none does."""
    try:
        process = int(store.with_name(f"{store.name}.lock").read_text())
    except (OSError, ValueError):
        return None
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except PermissionError:  # somebody else's
        return process
    return process


def _over(state: CampaignState) -> bool:
    return state in ENDS or state is CampaignState.INTERRUPTED
