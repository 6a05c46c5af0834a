"""A small engine that carries out a plan without the RunEngine: the same steps at the same times, few documents.

What is left out: validation of documents, rewinding, suspenders, monitors, flyers, staging. A plan that needs one of
them is refused by the name of its message.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

from bluesky import Msg
from bluesky.run_engine import WaitForTimeoutError
from bluesky.utils import RequestAbort, maybe_await

from motet.errors import ProcedureError

_log = logging.getLogger(__name__)

_TOO_LONG = "Plan failed to complete in the specified time"
"""What the RunEngine says, so that both runs store the same reason."""

Collect = Callable[[str, Mapping[str, Any]], object]


class FastEngine:
    """Has the face of `motet.station.engine.LoopEngine` as far as a station needs it."""

    def __init__(self) -> None:
        self.state = "idle"
        self._collect: Collect = lambda name, document: None
        self._groups: dict[Any, list[Awaitable[Any]]] = {}
        self._touched: dict[int, Any] = {}
        self._described: set[str] = set()
        self._stream = ""
        self._data: dict[str, Any] = {}
        self._keys: dict[str, Any] = {}
        self._has_stages = False
        self._task: asyncio.Task[Any] | None = None
        self._aborted = False
        self._at_once: dict[str, Callable[[Any], Any]] = {
            "set": self._set,
            "create": self._create,
            "save": self._save,
            "drop": self._drop,
            "open_run": self._open_run,
            "close_run": self._close_run,
            "checkpoint": _nothing,
            "clear_checkpoint": _nothing,
            "null": _nothing,
        }
        self._waiting: dict[str, Callable[[Any], Awaitable[Any]]] = {
            "wait_for": self._wait_for,
            "wait": self._wait,
            "sleep": self._sleep,
            "stop": self._stop,
            "read": self._read,
        }

    def subscribe(self, function: Collect, /) -> None:
        """Hand every document to `function`."""
        self._collect = function

    async def run(self, plan: Iterable[Msg]) -> None:
        """Carry out a plan. Raises what it raises; an abort ends it quietly, as in the RunEngine."""
        self.state = "running"
        self._aborted = False
        self._task = asyncio.current_task()
        try:
            with suppress(RequestAbort):
                await self._messages(cast("Generator[Any, Any, Any]", iter(plan)))
        finally:
            for touched in self._touched.values():
                await self._end(touched)
            self._touched.clear()
            self._groups.clear()
            self._described.clear()
            self._task = None
            self.state = "idle"

    async def _end(self, touched: Any) -> None:
        """Stop what was set, as the RunEngine does after every run; what cannot be stopped is logged, as there."""
        try:
            if hasattr(touched, "stop"):
                await maybe_await(touched.stop(success=True))
        except Exception:  # noqa: BLE001 - the error of the plan says more
            _log.exception("%s could not be stopped", getattr(touched, "name", touched))

    async def abort_run(self, reason: str) -> None:
        """Throw an abort into the plan where it waits."""
        if self._task is not None:
            self._aborted = True
            self._task.cancel()

    async def _messages(self, plan: Generator[Any, Any, Any]) -> None:
        """Send each answer back into the plan, and each error too."""
        at_once, waiting = self._at_once, self._waiting
        answer: Any = None
        error: BaseException | None = None
        while True:
            try:
                message = plan.send(answer) if error is None else plan.throw(error)
            except StopIteration:
                return
            answer = error = None
            command: str = message.command
            try:
                if command in at_once:
                    answer = at_once[command](message)
                elif command in waiting:
                    answer = await waiting[command](message)
                else:
                    known = ", ".join(sorted((*at_once, *waiting)))
                    error = ProcedureError(f"the fast run cannot do the plan's message {command!r}; it knows: {known}")
            except asyncio.CancelledError as cancelled:
                error = RequestAbort() if self._aborted else cancelled
            except Exception as raised:  # noqa: BLE001 - it is the plan's to handle
                error = raised

    def _set(self, message: Any) -> Any:
        target = message.obj
        status = target.set(*message.args)
        self._groups.setdefault(message.kwargs.get("group"), []).append(status)
        self._touched[id(target)] = target
        return status

    async def _wait(self, message: Any) -> None:
        group = message.kwargs.get("group", message.args[0] if message.args else None)
        timeout = message.kwargs.get("timeout")
        if message.kwargs.get("watch") or not message.kwargs.get("error_on_timeout", True):
            raise ProcedureError("the fast run cannot `wait` with `watch` or without an error on a timeout")
        statuses = self._groups.pop(group, [])
        if len(statuses) == 1 and timeout is None:
            await statuses[0]
        elif statuses:
            await _first_failure([asyncio.ensure_future(status) for status in statuses], timeout)

    async def _wait_for(self, message: Any) -> list[Any]:
        factories: Iterable[Callable[[], Awaitable[Any]]] = message.args[0]
        futures: list[asyncio.Future[Any]] = [asyncio.ensure_future(make()) for make in factories]
        try:
            _, pending = await asyncio.wait(futures, timeout=message.kwargs.get("timeout"))
        except asyncio.CancelledError:
            for future in futures:
                future.cancel()
            raise
        if pending:
            raise WaitForTimeoutError(_TOO_LONG)
        return futures

    async def _sleep(self, message: Any) -> None:
        await asyncio.sleep(*message.args)

    async def _stop(self, message: Any) -> None:
        await maybe_await(message.obj.stop())

    def _create(self, message: Any) -> None:
        self._stream = str(message.kwargs["name"])
        self._data, self._keys = {}, {}

    async def _read(self, message: Any) -> Any:
        reading: Mapping[str, Any] = await maybe_await(message.obj.read())
        self._data.update({key: value["value"] for key, value in reading.items()})
        if self._has_stages and self._stream not in self._described:
            self._keys.update(await maybe_await(message.obj.describe()))
        return reading

    def _save(self, message: Any) -> None:
        if self._stream not in self._described:
            self._described.add(self._stream)
            keys = {"data_keys": self._keys} if self._has_stages else {}
            self._collect("descriptor", {"uid": self._stream, "name": self._stream, **keys})
        self._collect("event", {"descriptor": self._stream, "data": self._data})

    def _drop(self, message: Any) -> None:
        self._data = {}

    def _open_run(self, message: Any) -> str:
        self._has_stages = "stage" in message.kwargs  # later stages take outputs over with their units
        self._collect("start", dict(message.kwargs))
        return ""

    def _close_run(self, message: Any) -> str:
        self._collect("stop", {})
        return ""


async def _first_failure(futures: list[asyncio.Future[Any]], timeout: float | None) -> None:  # noqa: ASYNC109
    """Wait for all, or for the first that fails. Raises what it raises, WaitForTimeoutError after `timeout` seconds."""
    for future in futures:
        future.add_done_callback(_seen)
    done, pending = await asyncio.wait(futures, timeout=timeout, return_when=asyncio.FIRST_EXCEPTION)
    for future in done:
        future.result()
    if pending:
        raise WaitForTimeoutError(_TOO_LONG)


def _seen(future: "asyncio.Future[Any]") -> None:
    """Others may fail after the first one; that is not news."""
    if not future.cancelled():
        future.exception()


def _nothing(message: Any) -> None:
    """The message means nothing here."""
