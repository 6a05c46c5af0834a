"""Who holds a station: one orchestrator at a time, for as long as it renews its hold."""

import asyncio
from collections.abc import Mapping

from motet.remote.journal import Held, Journal
from motet.remote.messages import Hold, HolderBody, Request
from motet.stamps import wall
from motet.station import Station

MOST_PAST = 100
"""So many sessions that others have followed are remembered, for what they said late."""


class Wishes:
    """What the holder wants of the station, carried out as far as it changes."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._paused: Mapping[str, str] = {}
        self._stopping = ""

    def grant(self, paused: Mapping[str, str], stopping: str) -> None:
        """Wait for whom and why, and stop after this experiment, or not."""
        before, self._paused = self._paused, dict(paused)
        for holder, why in paused.items():
            if holder not in before:
                self._station.pause(holder, why)
        for holder in before:
            if holder not in paused:
                self._station.resume(holder)
        if stopping and stopping != self._stopping:
            self._station.stop_after(stopping)
        self._stopping = stopping


class Lease:
    """The hold of a station. Its time runs on the loop's clock, which no change of the wall clock touches.

    The holder stays the holder after its time until somebody else takes the station, so that it finds it again after a
    long silence. After a restart of the station the hold is given its full time once more.
    """

    def __init__(self, journal: Journal, lease_s: float) -> None:
        self._journal = journal
        self._loop = asyncio.get_running_loop()
        self._lease_s = lease_s
        self._until = self._loop.time() + lease_s
        self._session = ""
        self._number = 0
        self._past: dict[str, None] = {}
        self.paused: Mapping[str, str] = {}
        self.stopping = ""

    @property
    def held(self) -> Held | None:
        """By whom."""
        return self._journal.held

    @property
    def left_s(self) -> float:
        """Seconds until the hold has run out; none are left when nobody holds it."""
        return max(0.0, self._until - self._loop.time()) if self.held is not None else 0.0

    @property
    def holder(self) -> HolderBody | None:
        """For messages."""
        if self.held is None:
            return None
        orchestrator, campaign, since = self.held
        return HolderBody(orchestrator=orchestrator, campaign=campaign, since=since, until=wall() + self.left_s)

    def is_of(self, request: Request) -> bool:
        """Whether the request comes from the holder."""
        return self.held is not None and self.held.orchestrator == request.orchestrator

    def is_past(self, request: Request) -> bool:
        """Whether it comes late: from a session that another one has followed, or from before its own release."""
        released = self.held is None and request.session == self._session and request.number < self._number
        return released or request.session in self._past

    def may_take(self, hold: Hold) -> bool:
        """Whether the station is this orchestrator's, or nobody's any more."""
        return not self.is_past(hold) and (self.held is None or self.is_of(hold) or self.left_s == 0.0)

    def take(self, hold: Hold) -> bool:
        """Take it, or renew it. Whether it was taken anew: from nobody or somebody else, or by a new session."""
        new = not self.is_of(hold)
        followed = self._session != hold.session
        if new or (self.held is not None and self.held.campaign != hold.campaign):
            since = wall() if new or self.held is None else self.held.since
            self._journal.hold(Held(hold.orchestrator, hold.campaign, since))
        self._lease_s = hold.lease_s
        if followed and self._session and not new:  # a session ends with its process, and none comes back
            self._past[self._session] = None
            while len(self._past) > MOST_PAST:
                del self._past[next(iter(self._past))]
        if followed or hold.number > self._number:  # a late one does not undo a pause
            self._session, self._number = hold.session, hold.number
            self.paused, self.stopping = hold.paused, hold.stopping
        self.heard(hold)
        return new or followed

    def heard(self, request: Request) -> None:
        """Whatever the holder says renews its hold."""
        if self.is_of(request):
            self._until = self._loop.time() + self._lease_s

    def release(self, request: Request) -> bool:
        """The holder gives it back; not for one that comes late, from a session before this one."""
        if not self.is_of(request) or request.session != self._session or request.number < self._number:
            return False
        self._number = request.number
        self._journal.hold(None)
        self.paused, self.stopping = {}, ""
        return True
