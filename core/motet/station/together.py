"""What is done with all devices of a station at once: connect, stop, make safe, open anew."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from motet.devices import Device
from motet.errors import ConnectionProblem, MotetError

STOP_TIMEOUT_S = 5.0
"""How long a device may take to stop in an emergency before that is reported, seconds of the loop."""
SAFE_TIMEOUT_S = 10.0
"""How long a device may take to reach its safe state before that is reported as a fault."""
CONNECT_TIMEOUT_S = 60.0
"""How long a device may take to be connected anew when an emergency stop is cleared."""

T = TypeVar("T")
Found = tuple[Mapping[str, T], Mapping[str, BaseException]]
"""What came of it for each device, by its key, and what went wrong."""


async def each(
    devices: Mapping[str, Device],
    act: Callable[[Device], Awaitable[T]],
    timeout: float | None = None,  # noqa: ASYNC109 - for each of them
) -> Found[T]:
    """Do something with every device, all at once; none waits for another."""

    async def bounded(device: Device) -> T:
        async with asyncio.timeout(timeout):
            return await act(device)

    tasks = [asyncio.ensure_future(bounded(device)) for device in devices.values()]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    pairs = list(zip(devices, results, strict=True))
    done = {key: result for key, result in pairs if not isinstance(result, BaseException)}
    return done, {key: result for key, result in pairs if isinstance(result, BaseException)}


async def halt(device: Device) -> None:
    """Stop a device, then end what it was doing, whether or not it could be stopped."""
    running = [verb for verb in device.verbs.values() if verb.running]
    try:
        await device.stop()
    finally:
        for verb in running:
            await verb.end()


async def connect_and_halt(device: Device) -> None:
    """The same for a device that is not connected yet."""
    await device.connect()
    await halt(device)


async def connect_anew(device: Device) -> Sequence[str]:
    """Open a device anew and make sure who answers; what is not known any more."""
    lost = await device.recover()
    await device.connect()  # its signals, where it never was
    return lost


def unrepeatable_calls(devices: Mapping[str, Device]) -> dict[str, int]:
    """How often each verb that must not be repeated has been called, by `device.verb`."""
    verbs = [(f"{key}.{name}", verb) for key, one in devices.items() for name, verb in one.verbs.items()]
    return {label: verb.calls for label, verb in verbs if not verb.spec.repeatable}


def begun_since(before: Mapping[str, int], devices: Mapping[str, Device]) -> tuple[str, ...]:
    """Those of them that were called since `before` was counted."""
    return tuple(label for label, calls in unrepeatable_calls(devices).items() if calls > before.get(label, 0))


def raise_all(failed: Mapping[str, BaseException]) -> None:
    """Raises a ConnectionProblem that names all that failed; what is a defect by itself."""
    for error in failed.values():
        if not isinstance(error, MotetError):
            raise error
    if failed:
        raise ConnectionProblem("\n".join(map(str, failed.values())))


def told(devices: Mapping[str, Device], problems: Mapping[str, BaseException], what: str) -> str:
    """`cell-stage did not reach its safe state: no answer; ...`, empty without problems."""
    return "; ".join(f"{devices[key].name} {what}: {reason_of(error)}" for key, error in problems.items())


def forgotten(devices: Mapping[str, Device], found: Mapping[str, Sequence[str]]) -> str:
    """`not known any more: cell-stage the position of x: run home`, empty when all is known."""
    lost = [f"{devices[key].name} {'; '.join(parts)}" for key, parts in found.items() if parts]
    return f"not known any more: {'; '.join(lost)}" if lost else ""


def reason_of(error: BaseException) -> str:
    """What an error says, also one that says nothing by itself."""
    return str(error) or ("it took too long" if isinstance(error, TimeoutError) else type(error).__name__)
