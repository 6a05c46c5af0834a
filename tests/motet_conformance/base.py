"""What the parts of the suite have in common."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

import pytest

from motet.errors import InstrumentError, Retryable
from motet_conformance.applies import leave_out
from motet_conformance.case import Call, Case
from motet_conformance.rig import Rig, Setup, in_virtual_time, rig

T = TypeVar("T")
EXPLAINED = (Retryable, InstrumentError)
"""What a call may end with when its instrument or the wire is at fault: try again, or the experiment failed."""


class Part:
    """A part of the suite: tests of one case."""

    case: ClassVar[Case]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if hasattr(cls, "case"):
            leave_out(cls, cls.case)

    def run(self, work: Callable[[Rig], Awaitable[T]], setup: Setup | None = None, longest: float | None = None) -> T:
        """What `work` gives, done with a fresh rig in virtual time. `longest` is in virtual seconds."""

        async def whole() -> T:
            async with rig(self.case, setup) as made:
                return await work(made)

        return in_virtual_time(whole) if longest is None else in_virtual_time(whole, longest)

    @property
    def moving(self) -> Call:
        """The long call, for tests of instruments that have one."""
        assert self.case.moving is not None
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
