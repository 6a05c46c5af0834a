"""What the parts of the suite have in common."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

import pytest

from motet.errors import InstrumentError, Retryable
from motet.simulation import Faults
from motet_conformance.case import Call, Case
from motet_conformance.rig import Rig, Setup, driver_of, in_virtual_time, rig, simulator_of

T = TypeVar("T")
EXPLAINED = (Retryable, InstrumentError)
"""What a call may end with when its instrument or the wire is at fault: try again, or the experiment failed."""


class Part:
    """A part of the suite: tests of one case."""

    case: ClassVar[Case]

    def run(self, work: Callable[[Rig], Awaitable[T]], setup: Setup | None = None, longest: float | None = None) -> T:
        """What `work` gives, done with a fresh rig in virtual time. `longest` is in virtual seconds."""

        async def whole() -> T:
            async with rig(self.case, setup) as made:
                return await work(made)

        return in_virtual_time(whole) if longest is None else in_virtual_time(whole, longest)

    def need_wire(self, *transports: str) -> None:
        """Skips the test for instruments that are not on one of these: a serial line or MQTT, unless said otherwise."""
        transport = driver_of(self.case).transport
        if transport not in (transports or ("serial", "mqtt")):
            pytest.skip(f"{self.case.driver} is on no such wire: its transport is {transport}")

    def need_faults(self) -> None:
        """Skips the test where nothing can be made to go wrong."""
        self.need_wire()
        if not issubclass(simulator_of(self.case).options, Faults):
            pytest.skip(f"the simulator of {self.case.driver} has no faults")

    @property
    def moving(self) -> Call:
        """The long call; skips the test for an instrument that has none."""
        if self.case.moving is None:
            pytest.skip(f"nothing of {self.case.driver} takes long")
        assert self.case.at_rest is not None, "a case with `moving` needs `at_rest`"
        return self.case.moving


async def within(seconds: float, what: str, work: Awaitable[T]) -> T:
    """What the work gives. Fails, saying what it was, when that takes more virtual seconds."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await work
    except TimeoutError:
        if limit.expired():
            pytest.fail(f"{what}: not over after {seconds:g} s")
        raise


async def outcome(work: Awaitable[Any]) -> tuple[Any, Exception | None]:
    """What it gives and None, or None and the error that it raises."""
    try:
        return await work, None
    except Exception as error:  # noqa: BLE001 - whatever it is is looked at
        return None, error
