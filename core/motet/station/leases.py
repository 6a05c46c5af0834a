"""Leases of what several want and one may have at a time: stations among campaigns, shared devices among stations.

Why no deadlock is possible:

- Who wants several at once gets them one after another in the order of their names, the same for everybody: each waits
  for a later name than all that it holds. In a circle of waiters the names would have to grow all the way round.
- Nested leases go one way: a station, then the devices that a stage leases (all at once), then the device that a step
  leases. Each of the three has names of its own.
- A step's lease is a leaf: while it is held, nothing else is waited for, neither a lease nor the end of a pause.

Stations: waiters are served by priority, then by who has used least in proportion to the share, then by arrival. Use is
counted while others want the same too: who comes late begins with the least that those who are there have had, and
cannot make up for the time before. A campaign of a lower priority has what those of a higher one leave.

Shared devices (`in_turn`): by priority, then by arrival. Whoever waits there keeps a station from other work, so nobody
waits for ever: those who came later go before a waiter `MOST_PASSED` times, then it is its turn, whatever its priority.

Everything happens on one event loop, on its own clock.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from motet.errors import ProcedureError

LEAST_USE_S = 1e-3
"""What a lease counts as at least, loop seconds: else those who hold for no time at all would always come first."""

MOST_PASSED = 3
"""So often do those of a higher priority who came later go before somebody who waits for a shared device."""

OnWait = Callable[[str, str, float], object]
"""`on_wait(resource, who, seconds)`: somebody waited, and now has it or has given up. Loop seconds."""


@dataclass(eq=False)
class Held:
    """What somebody holds, until `release`. `resources` are in the order of their names."""

    resources: tuple[str, ...]
    who: str
    since: float
    """When it was given, on the loop's clock."""
    _free: Callable[["Held"], object]
    timer: asyncio.TimerHandle | None = None

    def release(self) -> None:
        """Give it back. Doing so again does nothing."""
        if self.timer is not None:
            self.timer.cancel()
        self._free(self)


@dataclass(eq=False)
class _Waiter:
    """Somebody who wants all of `wanted`, one after another. `got` is held already."""

    who: str
    wanted: tuple[str, ...]
    priority: int
    arrived: int
    since: float
    given: asyncio.Future[None]
    passed: int = 0
    """How many who came later have gone before it since it has waited for `next`."""
    got: list[str] = field(default_factory=list[str])

    @property
    def next(self) -> tuple[str, ...]:
        """What it waits for now; nothing once it has all."""
        return self.wanted[len(self.got) : len(self.got) + 1]


@dataclass
class _Account:
    """What one has used so far, in loop seconds for a share of 1. `holds` is how many resources it has now."""

    used: float = 0.0
    share: float = 1.0
    holds: int = 0
    waits: int = 0
    since: float = 0.0

    def at(self, now: float) -> float:
        """The use until now, what is held included."""
        return self.used + self.holds * (now - self.since) / self.share

    def change(self, now: float, holds: int) -> None:
        """One more or one less is held from now on."""
        self.used, self.since = self.at(now), now
        self.holds += holds


class Leases:
    """Hands out resources by name, each to one holder at a time. To be used on one event loop.

    Those of one priority are served by their use and share, or `in_turn`, as they came.
    """

    def __init__(self, on_wait: OnWait = lambda resource, who, seconds: None, *, in_turn: bool = False) -> None:
        self._on_wait = on_wait
        self._in_turn = in_turn
        self._holders: dict[str, str] = {}
        self._waiters: list[_Waiter] = []
        self._accounts: dict[str, _Account] = {}
        self._arrivals = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    def holder(self, resource: str) -> str | None:
        """Who has it now."""
        return self._holders.get(resource)

    def waiting(self, resource: str) -> tuple[str, ...]:
        """Who waits for it now, in the order in which they came."""
        return tuple(waiter.who for waiter in self._waiters if resource in waiter.next)

    def gives_way(self, resource: str, priority: int = 0) -> bool:
        """Whether somebody waits whose turn it would be before that of the holder, if it asked again now."""
        holder = self._holders.get(resource)
        if holder is None:
            return False
        now = self._now()
        mine = (-priority, self._accounts[holder].at(now))
        waiting = [waiter for waiter in self._waiters if resource in waiter.next and not waiter.given.done()]
        return any((-one.priority, self._accounts[one.who].at(now)) <= mine for one in waiting)

    def used(self, who: str) -> float:
        """What somebody has held so far, loop seconds in proportion to the share; the order of waiters follows it."""
        account = self._accounts.get(who)
        return 0.0 if account is None else account.at(self._now())

    @asynccontextmanager
    async def hold(
        self,
        resources: Iterable[str],
        who: str,
        *,
        priority: int = 0,
        share: float = 1.0,
        longest: float | None = None,
    ) -> AsyncGenerator[Held]:
        """Wait for all of the resources, and hold them in the block.

        The highest `priority` is served first. After `longest` loop seconds the block is cancelled and ends with a
        ProcedureError; what it holds is free when it has ended, not before.
        """
        held = await self.acquire(resources, who, priority=priority, share=share)
        limit = asyncio.timeout(longest)
        try:
            async with limit:
                yield held
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise ProcedureError(_too_long(held, longest)) from error
        finally:
            held.release()

    async def acquire(
        self,
        resources: Iterable[str],
        who: str,
        *,
        priority: int = 0,
        share: float = 1.0,
        longest: float | None = None,
        too_long: Callable[[Exception], object] = lambda error: None,
    ) -> Held:
        """The same for work that is no block: whoever calls this sees to it that `release` is called.

        After `longest` loop seconds `too_long` is told with the error; the lease stays until it is released. Raises
        ValueError for no resource, or a share that is not above 0.
        """
        wanted = tuple(dict.fromkeys(resources))
        if not wanted or not share > 0:
            raise ValueError(f"{who}: a lease needs a resource and a share above 0, not {wanted} and {share}")
        waiter = self._arrive(who, tuple(sorted(wanted)), priority, share)
        try:
            await waiter.given
        except BaseException:
            self._leave(waiter)
            raise
        held = Held(tuple(waiter.got), who, self._now(), self._release)
        if longest is not None:
            error = ProcedureError(_too_long(held, longest))
            held.timer = asyncio.get_running_loop().call_later(longest, too_long, error)
        return held

    def _arrive(self, who: str, wanted: tuple[str, ...], priority: int, share: float) -> _Waiter:
        self._loop = loop = asyncio.get_running_loop()
        now = loop.time()
        account = self._accounts.setdefault(who, _Account(since=now))
        if not account.holds and not account.waits:
            there = [other.at(now) for other in self._accounts.values() if other.holds or other.waits]
            account.used = max(account.at(now), min(there, default=0.0))
        account.change(now, 0)
        account.share = share
        account.waits += 1
        self._arrivals += 1
        waiter = _Waiter(who, wanted, priority, self._arrivals, now, loop.create_future())
        self._waiters.append(waiter)
        self._advance(waiter)
        return waiter

    def _advance(self, waiter: _Waiter) -> None:
        """Give a waiter what is free of what it waits for: nobody else waits for that, else it would not be free."""
        while free := [name for name in waiter.next if name not in self._holders]:
            self._give(waiter, free[0])

    def _give(self, waiter: _Waiter, resource: str) -> None:
        now = self._now()
        account = self._accounts[waiter.who]
        account.change(now, +1)
        account.used += LEAST_USE_S / account.share
        self._holders[resource] = waiter.who
        waiter.got.append(resource)
        waited, waiter.since, waiter.passed = now - waiter.since, now, 0
        if not waiter.next:
            self._waiters.remove(waiter)
            account.waits -= 1
            waiter.given.set_result(None)
        if waited > 0:
            self._on_wait(resource, waiter.who, waited)

    def _leave(self, waiter: _Waiter) -> None:
        """A waiter gives up, or was given everything in the moment in which it was cancelled."""
        if waiter in self._waiters:
            waited = self._now() - waiter.since
            (named,) = waiter.next
            self._waiters.remove(waiter)
            self._accounts[waiter.who].waits -= 1
            if waited > 0:
                self._on_wait(named, waiter.who, waited)
        self._free(tuple(waiter.got), waiter.who)

    def _release(self, held: Held) -> None:
        resources, held.resources = held.resources, ()
        self._free(resources, held.who)

    def _free(self, resources: tuple[str, ...], who: str) -> None:
        now = self._now()
        for resource in resources:
            del self._holders[resource]
            self._accounts[who].change(now, -1)
            self._serve(resource, now)

    def _serve(self, resource: str, now: float) -> None:
        """Give a resource to whoever's turn it is; that one goes on to what it still wants. Those that were cancelled
        and do not know it yet have no turn."""
        waiters = [waiter for waiter in self._waiters if resource in waiter.next and not waiter.given.done()]
        if waiters:
            first = min(waiters, key=self._turn if self._in_turn else lambda w: self._rank(w, now))
            for waiter in waiters:
                waiter.passed += waiter.arrived < first.arrived
            self._give(first, resource)
            self._advance(first)

    def _rank(self, waiter: _Waiter, now: float) -> tuple[float, float, int]:
        return -waiter.priority, self._accounts[waiter.who].at(now), waiter.arrived

    def _turn(self, waiter: _Waiter) -> tuple[bool, int, int]:
        patient = waiter.passed < MOST_PASSED
        return patient, -waiter.priority if patient else 0, waiter.arrived

    def _now(self) -> float:
        """The time, also where no task runs any more."""
        return 0.0 if self._loop is None else self._loop.time()


def _too_long(held: Held, longest: float | None) -> str:
    return f"{held.who} held {', '.join(held.resources)} for {longest:g} s, the longest time that is allowed"
