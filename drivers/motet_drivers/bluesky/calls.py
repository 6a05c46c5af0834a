"""Calls of an object of the Bluesky protocols, so that none of them ever blocks the loop.

Classic objects (`ophyd`) wait inside `read`, `trigger`, `wait_for_connection` and others, and end their statuses from
threads of their own: they are called in a thread. Objects whose methods are coroutines (`ophyd-async`) belong to the
loop. The protocols are those of `bluesky.protocols`, https://blueskyproject.io/bluesky/main/hardware.html.
"""

import asyncio
import inspect
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, TypeVar, cast

from ophyd_async.core import Device as AsyncDevice

from motet.errors import InstrumentError, LimitError, LineLost, MotetError, NoReply, SimulationError
from motet.simulation.virtual import VirtualLoop

T = TypeVar("T")
_METHODS = ("connect", "read", "describe", "set", "trigger", "stop", "check_value")
REALLY_WAITS_S = 10.0
"""How long, in real seconds, a stand-in with threads of its own may keep virtual time waiting."""
_LOST = {"DisconnectedError", "NotConnectedError"}
_LIMIT = {"LimitError", "MotorLimitsError", "MotorLimitsException"}
"""Errors by name: of ophyd (`ophyd.utils.errors`) and ophyd-async (`core`, `epics.motor`), which may not be there."""


class Calls:
    """Calls one object, in the loop or in threads as it needs."""

    def __init__(self, device: str, target: Any) -> None:
        self.target = target
        self._device = device
        self.in_loop = isinstance(target, AsyncDevice) or any(
            inspect.iscoroutinefunction(getattr(target, name, None)) for name in _METHODS
        )

    def has(self, method: str) -> bool:
        """Whether the object has such a method."""
        return callable(getattr(self.target, method, None))

    async def run(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method, and wait until what it began has ended: its result.

        Raises what fails, as an error of Motet that names the device, the method and the cause.
        """
        try:
            call = partial(getattr(self.target, method), *args, **kwargs)
            given = call() if self.in_loop else await in_thread(call)
            if inspect.isawaitable(given):
                return await given
            return await self._ended(given) if hasattr(given, "add_callback") else given
        except SimulationError as error:
            raise SimulationError(f"{self._device}: {method} of what stands in for it: {error}") from error
        except MotetError:
            raise
        except Exception as error:
            raise self._named(method, error) from error

    async def get(self, attribute: str) -> Any:
        """The value of an attribute, which may ask the instrument; None without one, or when it cannot be told."""
        read = partial(getattr, self.target, attribute, None)
        try:
            return read() if self.in_loop else await in_thread(read)
        except Exception:  # noqa: BLE001 - properties of other people's objects; what is needed of them is checked
            return None

    async def _ended(self, status: Any) -> None:
        """Wait for a status of any make. Raises what made it fail."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def over(_: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, done, None, None)

        status.add_callback(over)
        if isinstance(loop, VirtualLoop) and not self.in_loop:
            await _held(loop, done, self._device)
        else:
            await done
        error = status.exception(0) if hasattr(status, "exception") else None
        if error is not None:
            raise error
        if not status.success:
            raise RuntimeError("its status says that it failed, without a reason")

    def _named(self, method: str, error: Exception) -> MotetError:
        names = {kind.__name__ for kind in type(error).__mro__}
        text = f"{self._device}: {method} failed: {type(error).__name__}: {error}"
        if names & _LIMIT:
            return LimitError(text)
        if names & _LOST or isinstance(error, ConnectionError):
            return LineLost(text)
        if isinstance(error, TimeoutError) and method in ("read", "describe", "connect", "wait_for_connection"):
            return NoReply(text)
        return InstrumentError(text)


async def in_thread(call: Callable[[], T]) -> T:
    """What a call gives that may block, made in a thread of its own; in virtual time it is made at once.

    The thread is a daemon: one that never comes back does not keep the program from ending.
    """
    loop = asyncio.get_running_loop()
    if isinstance(loop, VirtualLoop):
        return await loop.run_in_executor(None, call)
    done: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        result: Any = None
        failure: Exception | None = None
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, done, result, failure)

    _thread_class()(target=work, name="bluesky object", daemon=True).start()
    return await done


def _thread_class() -> type[threading.Thread]:
    """Threads that may speak EPICS: libca wants each to join the context of the program, which ophyd's do."""
    layer: Any = getattr(sys.modules.get("ophyd"), "cl", None)
    return cast("type[threading.Thread]", getattr(layer, "thread_class", threading.Thread))


def _resolve(done: "asyncio.Future[Any]", result: Any, error: Exception | None) -> None:
    if done.done():
        return
    if isinstance(error, StopIteration):  # a future refuses it
        error = RuntimeError(f"StopIteration: {error}")
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)


async def _held(loop: VirtualLoop, done: "asyncio.Future[None]", device: str) -> None:
    """Wait for another thread while virtual time stands still."""
    late = InstrumentError(
        f"{device}: what stands in for it really waits; in virtual time it must end within {REALLY_WAITS_S:g} s"
    )
    timer = threading.Timer(REALLY_WAITS_S, loop.call_soon_threadsafe, (_resolve, done, None, late))
    timer.daemon = True
    with nullcontext() if done.done() else loop.held():
        timer.start()
        try:
            await done
        finally:
            timer.cancel()
