"""Signals read from an instrument by a query, for ophyd-async devices."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from bluesky.protocols import Reading
from event_model import DataKey
from ophyd_async.core import Callback, SignalBackend, SignalR

from motet.stamps import wall

Dtype = Literal["number", "array", "integer", "string", "boolean"]
_TYPES: dict[Dtype, type[Any]] = {"number": float, "integer": int, "string": str, "boolean": bool}


@dataclass(frozen=True, slots=True)
class Output:
    """One value that an instrument gives, with its unit."""

    unit: str = ""
    dtype: Dtype = "number"


def data_key(source: str, output: Output, length: int = 0) -> DataKey:
    """The Bluesky data key of one value; `length` is that of an array."""
    key = DataKey(source=source, dtype=output.dtype, shape=[length] if output.dtype == "array" else [])
    if output.unit:
        key["units"] = output.unit
    return key


class _QueryBackend(SignalBackend[Any]):
    """A signal that asks the instrument each time it is read."""

    def __init__(self, output: Output, query: Callable[[], Awaitable[Any]]) -> None:
        super().__init__(_TYPES[output.dtype])
        self._output = output
        self._query = query

    def source(self, name: str, read: bool) -> str:
        return f"motet://{name}"

    async def connect(self, timeout: float) -> None:  # noqa: ASYNC109 - ophyd-async's signature
        """The device has opened its line already."""

    async def get_datakey(self, source: str) -> DataKey:
        return data_key(source, self._output)

    async def get_value(self) -> Any:
        return await self._query()

    async def get_reading(self) -> Reading[Any]:
        return Reading(value=await self._query(), timestamp=wall())

    async def get_setpoint(self) -> Any:
        return await self._query()

    async def put(self, value: Any) -> None:
        raise TypeError("this signal can only be read; a verb of its device sets it")

    def set_callback(self, callback: Callback[Reading[Any]] | None) -> None:
        if callback is not None:
            raise TypeError("this signal is read by a query and cannot be monitored")


def query_signal(output: Output, query: Callable[[], Awaitable[Any]]) -> SignalR[Any]:
    """A read-only signal of one value (not an array) whose every reading is a query to the instrument."""
    return SignalR(_QueryBackend(output, query), timeout=None)
