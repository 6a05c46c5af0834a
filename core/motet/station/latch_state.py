"""What is known of a lab's emergency stop: who pressed it when and why, and what was cleared; and the file of it.

It is known in several places at once: files, a broker, processes that may not hear of one another for a while. So it
is a set that only grows: each press has an id of its own, and a clearing names the ids that it clears. Two states are
put together by taking everything of both, in any order and as often as one likes. What one does not know cannot be
cleared by accident: a station that pressed it while it was cut off is heard of later, and holds the lab again.
"""

import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Collection, Generator
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field, ValidationError

from motet.model.values import Frozen
from motet.stamps import wall

KEPT = 100
"""How many clearings are remembered. An older press that comes back holds the lab again."""
PRESSES = 50
"""How many presses are remembered that nobody has cleared: the first one, and the last ones. Fewer than `KEPT`, so that
all of them can be cleared at once."""
LONGEST = 1000
"""Longest reason that is kept, characters."""
MOST_BYTES = 2 * 1024 * 1024
"""The longest state that is read; the longest that is written is shorter."""
LOCKED_S = 1.0
"""Longest wait for another process that writes the file, seconds."""
LOOK_S = 0.002
"""How often to look whether it has done so."""


class Latched(Frozen):
    """The emergency stop was pressed."""

    id: str = Field(min_length=1, max_length=100)
    reason: str = Field(max_length=4000)
    who: str = Field(max_length=400)
    at: float
    """Seconds since 1970, by the clock of whoever pressed it."""

    def __str__(self) -> str:
        """`e-stopped by ann@lab-pc at 2026-01-31 12:00:05: smoke`."""
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.at))
        return f"e-stopped by {self.who} at {when}: {self.reason}"


class Cleared(Frozen):
    """One press of the emergency stop was cleared by a person."""

    id: str = Field(min_length=1, max_length=100)
    who: str = Field(max_length=400)
    at: float


class LatchState(Frozen):
    """All presses that are not cleared, in the order of their times, and the last clearings."""

    trips: tuple[Latched, ...] = Field(default=(), max_length=1000)
    cleared: tuple[Cleared, ...] = Field(default=(), max_length=1000)

    @property
    def latched(self) -> Latched | None:
        """The first press that is not cleared."""
        return self.trips[0] if self.trips else None

    def merged(self, other: "LatchState") -> "LatchState":
        """What both know together."""
        cleared = {one.id: one for one in (*other.cleared, *self.cleared)}
        trips = {one.id: one for one in (*other.trips, *self.trips) if one.id not in cleared}
        kept = sorted(cleared.values(), key=lambda one: (one.at, one.id))[-KEPT:]
        pressed = sorted(trips.values(), key=lambda one: (one.at, one.id))
        return LatchState(trips=(*pressed[:1], *pressed[1:][1 - PRESSES :]), cleared=tuple(kept))

    def pressed(self, reason: str, who: str, identity: str = "") -> "LatchState":
        """Somebody has pressed it. Who may have to say so twice draws the id, and says it with the same one."""
        if any(one.id == identity for one in self.trips):
            return self
        said = _text(reason)[:LONGEST]
        trip = Latched(id=identity or secrets.token_hex(8), reason=said, who=_text(who)[:400], at=wall())
        return self.merged(LatchState(trips=(trip,)))

    def released(self, who: str, seen: Collection[str] | None = None) -> "LatchState":
        """Somebody clears all that is known, or of it only the presses whose ids were `seen`. By whatever clock, a
        clearing is later than those that are known: the oldest ones are forgotten."""
        now = max([wall(), *(one.at + 0.001 for one in self.cleared)])
        trips = [one for one in self.trips if seen is None or one.id in seen]
        return self.merged(LatchState(cleared=tuple(Cleared(id=one.id, who=_text(who)[:400], at=now) for one in trips)))


def parsed(text: bytes) -> LatchState:
    """A state from a message or file. Raises ValueError for what is none."""
    if len(text) > MOST_BYTES:
        raise ValueError(f"{len(text)} bytes, at most {MOST_BYTES} are read")
    try:
        return LatchState.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(str(error)) from None


def latch_file(data: Path, lab: str) -> Path:
    """Where a lab's latch is kept in a data folder."""
    return data / f"estop-{lab}.json"


def read(path: Path) -> LatchState:
    """What a file holds, nothing when it is not there. One that cannot be read counts as pressed: it may say so."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return LatchState()
    except OSError as error:
        return _damaged(path, f"cannot be read: {error.strerror}", b"")
    if not text:
        return _damaged(path, "is empty: it was pressed when there was no room to say by whom and why", text)
    try:
        return parsed(text)
    except ValueError as error:
        return _damaged(path, f"is damaged: {str(error).splitlines()[0]}", text)


def update(path: Path, state: LatchState) -> LatchState:
    """Write a state together with what the file holds already; what it holds then. Durable when this returns.

    One process at a time does so, lest it writes over what another one has just written. Where that cannot be had,
    whoever was overtaken may see it in what it reads back, and does it again. Where there is no room for a press the
    file is made empty, which counts as one: what is returned lacks the reason then. Raises OSError.
    """
    if (found := read(path)).merged(state) == found:
        return found
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path.parent):
        found = read(path)
        for _ in range(10):
            wanted = found.merged(state)
            if wanted == found:
                return found
            try:
                _write(path, wanted)
            except OSError:
                if found.trips or not wanted.trips:
                    raise
                path.open("wb").close()
                return read(path)
            found = read(path)
        return found


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """While entered nobody else writes here. Whoever does not get the lock in time goes on all the same: a process that
    hangs must not keep an emergency stop from being written."""
    held = os.open(folder, os.O_RDONLY)
    try:
        until = time.monotonic() + LOCKED_S
        while not _locked(held) and time.monotonic() < until:
            time.sleep(LOOK_S)
        yield
    finally:
        os.close(held)


def _locked(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    return True


def _write(path: Path, state: LatchState) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with beside.open("wb") as file:
            file.write(state.model_dump_json(indent=1).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _text(given: str) -> str:
    """Without what cannot be written: a terminal may give bytes of another encoding, and it is pressed all the same."""
    return given.encode("utf-8", "replace").decode()


def _damaged(path: Path, reason: str, text: bytes) -> LatchState:
    """Pressed once for each time that the file was changed: to clear it does not clear what comes after it."""
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0
    key = f"file-{hashlib.sha256(text + b'%d' % changed).hexdigest()[:16]}"
    said = _text(f"{path} {reason}")[:LONGEST]
    return LatchState(trips=(Latched(id=key, reason=said, who="nobody knows", at=changed / 1e9 or wall()),))
