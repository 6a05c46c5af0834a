"""One job at a remote station, as its orchestrator follows it from the request to the result."""

import asyncio
from dataclasses import dataclass, field

from motet.errors import GarbledReply, Interrupted, StationLost
from motet.model.experiment import RunRecord
from motet.model.job import Job
from motet.remote.bodies import record_of
from motet.remote.messages import ResultPart

MOST_CHARACTERS = 1_000_000_000
"""The longest record that is put together."""


@dataclass
class Following:
    """A job whose result is waited for. `known` says that the station has it, `sent` that it may have it."""

    job: Job
    recalled: bool = False
    """Whether it is only asked about."""
    result: "asyncio.Future[RunRecord]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future(), init=False
    )
    poke: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    """Set when there is news: ask at once."""
    sent: bool = field(default=False, init=False)
    known: bool = field(default=False, init=False)
    unknown: bool = field(default=False, init=False)
    """Whether the station has never heard of a job that is asked about."""
    aborted: str = field(default="", init=False)
    """Why it was aborted from here; empty when it was not."""
    _busy_since: float | None = field(default=None, init=False)
    _busy: str = field(default="", init=False)
    _away_since: float | None = field(default=None, init=False)
    _asked_since: float | None = field(default=None, init=False)
    _parts: dict[int, str] = field(default_factory=dict[int, str], init=False)
    _of: int = field(default=0, init=False)

    def take(self, part: ResultPart) -> None:
        """One more part; the last one makes the result. Raises GarbledReply for what is none."""
        if self.result.done():
            return
        if part.parts != self._of:  # the first, or those of another program
            self._parts, self._of = {}, part.parts
        if part.part > part.parts:
            raise GarbledReply(f"part {part.part} of {part.parts} of the result of {part.job}")
        self._parts[part.part] = part.record
        if sum(map(len, self._parts.values())) > MOST_CHARACTERS:
            self._parts = {}
            raise GarbledReply(f"the result of {part.job} has more than {MOST_CHARACTERS} characters")
        if len(self._parts) == self._of:
            text = "".join(self._parts[number] for number in range(1, self._of + 1))
            self._parts = {}
            self.result.set_result(record_of(text, part.age_s))

    def busy(self, now: float, why: str) -> None:
        """The station cannot take it, at `now` on the loop's clock; an empty `why`: it has."""
        self._busy = why
        self._busy_since = (self._busy_since or now) if why else None

    def asked(self, now: float) -> None:
        """The station was asked about it."""
        self._asked_since = now if self._asked_since is None else self._asked_since

    def answered(self) -> None:
        """It has answered, or cannot have been heard."""
        self._asked_since = None

    def check(self, now: float, longest_s: float, away: str) -> None:
        """Raises StationLost when the station cannot take it for too long, is `away`, or does not answer."""
        self._away_since = (self._away_since or now) if away else None
        silent = f"it does not answer what is asked about {self.job.id}"
        waits = ((self._away_since, away), (self._busy_since, self._busy), (self._asked_since, silent))
        for since, why in waits:
            if since is not None and now - since >= longest_s:
                raise StationLost(why)

    def forget(self) -> None:
        """The station has never heard of it."""
        self.unknown = True
        self.fail(Interrupted(f"{self.job.id} never began"))

    def fail(self, error: Exception) -> None:
        """It will have no result."""
        if not self.result.done():
            self.result.set_exception(error)
            self.result.exception()  # seen: the one who waits may have gone
