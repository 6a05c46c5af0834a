"""What is known of stations from outside: heard at the broker, or read in the store of the campaigns that have them."""

import asyncio
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from motet.api.results import store_path
from motet.bus import Message
from motet.errors import GarbledReply, StoreError
from motet.model.events import StationState
from motet.remote.messages import StateMessage, read
from motet.stamps import wall
from motet.store.now import LabNow, StationNow, lab_now, writer

_log = logging.getLogger(__name__)

Known = tuple[StationState | None, str, str, float | None]
"""The state of a station, why, the campaign that has it, and since when that is known, seconds since 1970."""


@dataclass(frozen=True, slots=True)
class _Heard:
    message: StateMessage
    at: float
    """By the event loop's clock."""
    since: float
    """When this state was heard first, seconds since 1970."""


class HeardStations:
    """Stations in processes of their own, by what they tell at the broker."""

    def __init__(self, lab: str, lost_after_s: float) -> None:
        self._prefix, self._lost_after_s = f"motet/{lab}/station/", lost_after_s
        self._heard: dict[str, _Heard] = {}

    def take(self, message: Message) -> None:
        """A state of one of them; what is none is logged and ignored."""
        name = message.topic.removeprefix(self._prefix).removesuffix("/state")
        try:
            found = read(message.payload, StateMessage)
        except GarbledReply as error:
            _log.warning("%s: ignored: %s", message.topic, error)
            return
        if found.station != name:
            _log.warning("%s: ignored the state of another station, %s", message.topic, found.station)
            return
        before = self._heard.get(name)
        same = before is not None and (before.message.state, before.message.cause) == (found.state, found.cause)
        since = before.since if before is not None and same else wall()
        self._heard[name] = _Heard(found, asyncio.get_running_loop().time(), since)

    def now(self, name: str, gone: str) -> Known:
        """What is known of a station; `gone` says why the broker cannot tell, empty when it can."""
        heard = self._heard.get(name)
        if heard is None:
            return None, gone or "nothing was ever heard of it: is its process running?", "", None
        message, silent_s = heard.message, asyncio.get_running_loop().time() - heard.at
        campaign = "" if message.holder is None else message.holder.campaign
        last = f"it was {message.state} before that"
        if gone:
            return None, f"{gone}; {last}", campaign, None
        if message.state is not StationState.OFFLINE and silent_s > self._lost_after_s:
            return None, f"nothing was heard of it for more than {self._lost_after_s:g} s; {last}", campaign, None
        return message.state, message.cause, campaign, heard.since


class StoredStations:
    """Stations of campaigns' own processes, by what these have stored."""

    def __init__(self, lab: str, data: Path) -> None:
        self._lab, self._store = lab, store_path(data)
        self._file: int | None = None
        self._known = LabNow(0, {}, frozenset())
        self._runs = False
        self.problem = ""
        """Why the store cannot be read, empty when it can, or when there is none yet."""

    def look(self) -> None:
        """Read what is new in it; blocks."""
        try:
            file = os.stat(self._store).st_ino
        except FileNotFoundError:
            self._file, self._known, self._runs, self.problem = None, LabNow(0, {}, frozenset()), False, ""
            return
        except OSError as error:
            self.problem = f"{self._store}: {error.strerror}"
            return
        known = self._known if file == self._file else LabNow(0, {}, frozenset())
        try:
            new = lab_now(self._store, self._lab, known.upto)
        except StoreError as error:
            self.problem = str(error)
            return
        stations = {**known.stations, **new.stations}
        self._file, self._known = file, LabNow(new.upto, stations, new.open)
        self._runs, self.problem = writer(self._store) is not None, ""

    def now(self, name: str) -> Known:
        """What is known of a station."""
        found: StationNow | None = self._known.stations.get(name)
        if found is None:
            return StationState.OFFLINE, "no campaign has used it yet", "", None
        change, campaign = found.change, found.campaign
        if change.state is StationState.OFFLINE:
            return change.state, change.cause, "", change.at.wall
        if campaign not in self._known.open:
            return StationState.OFFLINE, f"{campaign} has ended", "", change.at.wall
        if not self._runs:
            cause = f"the process of {campaign} is gone; it was {change.state} before that"
            return StationState.OFFLINE, cause, "", change.at.wall
        return change.state, change.cause, campaign, change.at.wall
