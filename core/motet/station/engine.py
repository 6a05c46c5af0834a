"""The lab loop and the RunEngines that share it.

One event loop carries everything that waits: orchestrator, RunEngines, devices, lines, bus and simulators. It runs in
a thread of its own, which Bluesky starts with the first RunEngine, because a RunEngine accepts only a loop whose
thread Bluesky knows. The main thread stays free for the terminal and for signals.
"""

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any, cast

from bluesky import Msg, RunEngine
from bluesky import run_engine as _bluesky
from bluesky.utils import DuringTask, RunEngineInterrupted

from motet.simulation.thread import LoopThread
from motet.simulation.virtual import VirtualLoop
from motet.station.station import Engine
from motet.station.validators import compile_validators

_log = logging.getLogger(__name__)


def _to_log(*values: object, **_: object) -> None:
    _log.info(" ".join(map(str, values)))


# The RunEngine tells of pauses and aborts with `print`; standard output belongs to the user of Motet.
setattr(_bluesky, "print", _to_log)  # noqa: B010 - a name that the module itself does not have

compile_validators()


class _Returns(DuringTask):
    """What a RunEngine does while its task runs: nothing, so that calling it does not block."""

    def block(self, blocking_event: threading.Event) -> None:
        """Return at once."""


class LoopEngine(RunEngine):
    """A RunEngine that is awaited on its own loop: no thread has to block for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """To be called in another thread than the loop's: it waits for the loop."""
        super().__init__({}, loop=loop, context_managers=[], during_task=_Returns())
        self.verbose = False
        self.state_hook = self._on_state
        self._aborting: asyncio.Task[Any] | None = None
        self._why = ""

    async def run(self, plan: Iterable[Msg]) -> None:
        """Carry out a plan. Raises what it raises, RunEngineInterrupted when it was aborted."""
        self(plan)
        assert self._task_fut is not None
        await asyncio.wrap_future(self._task_fut)
        if self._interrupted:
            raise RunEngineInterrupted(self._why)

    async def abort_run(self, reason: str) -> None:
        """The RunEngine's own abort; nothing when nothing runs."""
        if self.state == "idle":
            return
        self._why = reason
        paused = str(self.state) == "paused"
        await self._abort_coro(reason)
        if paused and self._run_permit is not None:
            self._run_permit.set()

    def _on_state(self, new: str, old: str | None) -> None:
        """A plan that pauses by itself would wait for a person at a Python prompt."""
        if new == "paused":
            self._aborting = self.loop.create_task(self.abort_run("a plan may not pause itself; pause the campaign"))


class LabLoop(LoopThread):
    """The event loop of one lab in a thread of its own, with RunEngines on it."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._maker = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="run-engines")
        super().__init__(loop or asyncio.new_event_loop())

    def _start(self) -> threading.Thread:
        """Bluesky starts the thread with the first RunEngine."""
        LoopEngine(self.loop)
        return self.submit(_this_thread()).result()

    async def engine(self) -> Engine:
        """A further RunEngine on the lab loop. Made in a thread, since its constructor waits for the loop."""
        making = asyncio.wrap_future(self._maker.submit(LoopEngine, self.loop))
        with self.loop.held() if isinstance(self.loop, VirtualLoop) else nullcontext():
            return cast("Engine", await making)

    def close(self, timeout: float | None = 10.0) -> None:
        """Cancel what is left, stop the loop and its threads. Idempotent."""
        self._maker.shutdown(wait=False)
        super().close(timeout)


async def _this_thread() -> threading.Thread:
    return threading.current_thread()
