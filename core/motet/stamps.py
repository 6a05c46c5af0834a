"""Where the wall-clock times and unique ids of Bluesky documents come from.

From the machine, as anywhere; in a simulated campaign from its own clock and seed, so that the same campaign gives the
same documents, and their times lie on the lab's timeline.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class _Source:
    """Wall time is `epoch`, in seconds since 1970, plus the loop's time; ids are drawn from `ids`."""

    epoch: float
    loop: asyncio.AbstractEventLoop
    ids: random.Random


_source: ContextVar[_Source | None] = ContextVar("stamps", default=None)


def wall() -> float:
    """Seconds since 1970 (UTC)."""
    source = _source.get()
    return time.time() if source is None else source.epoch + source.loop.time()


def uuid4() -> uuid.UUID:
    """A random unique id (RFC 9562, version 4)."""
    source = _source.get()
    return uuid.uuid4() if source is None else uuid.UUID(int=source.ids.getrandbits(128), version=4)


@contextmanager
def simulated(loop: asyncio.AbstractEventLoop, seed: int, epoch: float) -> Generator[None]:
    """While entered, and in every task made meanwhile: times are the loop's since `epoch`, ids follow from the seed."""
    _into_bluesky()
    token = _source.set(_Source(epoch, loop, random.Random(seed)))  # noqa: S311 - no secret
    try:
        yield
    finally:
        _source.reset(token)


class _Module:
    """A module with some of its names replaced."""

    def __init__(self, module: Any, **replaced: Any) -> None:
        self._module = module
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _into_bluesky() -> None:
    """Bluesky and event-model take both from the standard library's modules, by these names of theirs."""
    import event_model
    from bluesky import bundlers
    from bluesky import utils as bluesky_utils

    for module, name, shim in (
        (event_model, "ttime", _Module(time, time=wall)),
        (event_model, "uuid", _Module(uuid, uuid4=uuid4)),
        (bundlers, "ttime", _Module(time, time=wall)),
        (bluesky_utils, "uuid", _Module(uuid, uuid4=uuid4)),
    ):
        if not isinstance(getattr(module, name), _Module):
            setattr(module, name, shim)
