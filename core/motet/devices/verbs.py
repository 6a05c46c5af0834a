"""Verbs: what a device can be told to do, declared on the driver's methods and run by the RunEngine as Movables."""

import asyncio
import inspect
import math
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from bluesky.protocols import Reading
from event_model import DataKey
from ophyd_async.core import AsyncStatus

from motet.devices.limits import INSTRUMENT, Limit, Limits
from motet.devices.signals import Output, data_key
from motet.errors import LimitError, ProcedureError
from motet.stamps import wall

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])
_MARK = "__motet_verb__"


@dataclass(frozen=True, slots=True)
class ArgumentSpec:
    """One argument of a verb."""

    type: type
    unit: str
    required: bool


@dataclass(frozen=True, slots=True)
class VerbSpec:
    """A verb as declared: its arguments, outputs, and how it may be used.

    `limits` are the instrument's own, by argument. `relative` arguments are changes, checked by the driver against the
    limits of where they lead. `repeatable` is False for what must never run twice by itself (a dispense).
    """

    name: str
    doc: str
    arguments: Mapping[str, ArgumentSpec]
    outputs: Mapping[str, Output]
    limits: Mapping[str, Limit]
    relative: frozenset[str]
    repeatable: bool


@dataclass(frozen=True, slots=True)
class _Mark:
    units: Mapping[str, str]
    outputs: Mapping[str, Output]
    limits: Mapping[str, tuple[float, float]]
    relative: frozenset[str]
    repeatable: bool


def verb(
    *,
    units: Mapping[str, str] | None = None,
    outputs: Mapping[str, Output] | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
    relative: tuple[str, ...] = (),
    repeatable: bool = True,
) -> Callable[[F], F]:
    """Declare an async method as a verb.

    units: of each numeric argument. outputs: what the returned mapping holds. limits: the instrument's own range of an
    argument, in its unit. Arguments are float, int, str or bool, optional ones with a default.
    """
    mark = _Mark(units or {}, outputs or {}, limits or {}, frozenset(relative), repeatable)

    def mark_it(method: F) -> F:
        setattr(method, _MARK, mark)
        return method

    return mark_it


@cache
def verbs_of(device: type) -> Mapping[str, VerbSpec]:
    """Every verb that a device class declares, by name, in the order of definition."""
    found: dict[str, VerbSpec] = {}
    for cls in reversed(device.__mro__):
        for name, method in vars(cls).items():
            mark = getattr(method, _MARK, None)
            if isinstance(mark, _Mark):
                found[name] = _spec(name, method, mark)
    return found


def units_of(verbs: Iterable[VerbSpec]) -> dict[str, str]:
    """The unit of the limits of each quantity: that of the verbs that take it as a place; of those that take it as a
    change where there are no others."""
    found = list(verbs)
    units = {key: spec.unit for verb in found for key, spec in verb.arguments.items()}
    return units | {k: spec.unit for v in found for k, spec in v.arguments.items() if k not in v.relative}


def _spec(name: str, method: Callable[..., Any], mark: _Mark) -> VerbSpec:
    hints = get_type_hints(method)
    arguments: dict[str, ArgumentSpec] = {}
    for key, parameter in list(inspect.signature(method).parameters.items())[1:]:
        kind = _plain_type(hints[key])
        arguments[key] = ArgumentSpec(kind, mark.units.get(key, ""), parameter.default is inspect.Parameter.empty)
    limits = {key: Limit(low, high, mark.units.get(key, "")) for key, (low, high) in mark.limits.items()}
    doc = (method.__doc__ or "").strip().partition("\n")[0]
    return VerbSpec(name, doc, arguments, mark.outputs, limits, mark.relative, mark.repeatable)


def _plain_type(hint: Any) -> type:
    """`float` from `float | None`."""
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (arg for arg in get_args(hint) if arg is not NoneType)
    assert isinstance(hint, type)
    return hint


class Verb:
    """A verb of one device, as the RunEngine sees it: Movable, Readable and Stoppable."""

    def __init__(self, device: Any, spec: VerbSpec, limits: Limits) -> None:
        self.parent = None
        self.name = f"{device.name}-{spec.name}"
        self.spec = spec
        self._device = device
        self._limits = limits
        self._outputs: Mapping[str, Any] = {}
        self._at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._stopped = self._begun = False
        self.calls = 0
        """How many calls have begun."""
        self.before: Callable[[], Awaitable[object]] | None = None
        """Awaited before a call begins: to note a call that must not be repeated. When it raises, nothing is done."""

    def check(self, arguments: Mapping[str, Any], later: Collection[str] = ()) -> None:
        """Raises LimitError or ProcedureError for a name, type or value that the verb does not take. Sends nothing.

        `later` names arguments whose value is not known yet.
        """
        where = f"{self._device.name}.{self.spec.name}"
        for key in arguments:
            if key not in self.spec.arguments:
                allowed = ", ".join(self.spec.arguments) or "none"
                raise ProcedureError(f"{where} has no argument {key!r}; it takes: {allowed}")
        for key, spec in self.spec.arguments.items():
            if key not in arguments:
                if spec.required and key not in later:
                    raise ProcedureError(f"{where} needs the argument {key!r}")
                continue
            value = arguments[key]
            if not _fits(value, spec.type):
                raise ProcedureError(f"{where}: {key} = {value!r} must be of type {spec.type.__name__}")
            if spec.type in (float, int):
                self._check_range(where, key, float(value))

    def _check_range(self, where: str, key: str, value: float) -> None:
        if not math.isfinite(value):
            raise LimitError(f"{where}: {key} = {value} is not a finite number")
        own = Limits(where, self.spec.limits, INSTRUMENT)
        own.check(key, value)
        if key not in self.spec.relative:
            self._limits.check(key, value, self.spec.arguments[key].unit)

    def set(self, arguments: Mapping[str, Any]) -> AsyncStatus[None]:
        """Check the arguments, then do it. The status is done when the instrument says so, or the verb was stopped.

        Raises what its device is locked with.
        """
        self._check_unlocked()
        self.check(arguments)
        self._stopped = self._begun = False
        status = AsyncStatus(self._do(arguments), name=self.name)
        self._task = status.task
        return status

    def _check_unlocked(self) -> None:
        if self._device.locked is not None:
            raise self._device.locked

    async def _do(self, arguments: Mapping[str, Any]) -> None:
        self._check_unlocked()  # once more: it may have been locked since this was asked for
        self._begun = True
        try:
            if self.before is not None:
                await self.before()
                self._check_unlocked()
            self.calls += 1
            given: Mapping[str, Any] | None = await getattr(self._device, self.spec.name)(**arguments)
        except asyncio.CancelledError:
            if self._stopped:
                return
            raise
        except Exception:
            if self._stopped:  # what a driver raises because it was stopped is what was asked for
                return
            raise
        missing = [key for key in self.spec.outputs if key not in (given or {})]
        if missing:
            raise ProcedureError(f"{self.name} gave no {', '.join(missing)}")
        self._outputs = given or {}
        self._at = wall()

    @property
    def running(self) -> bool:
        """Whether a call is under way."""
        return self._task is not None and not self._task.done()

    @property
    def outputs(self) -> Mapping[str, Any]:
        """What the last call gave."""
        return self._outputs

    async def stop(self, success: bool = True) -> None:
        """Stop the device if this verb still runs, and end the verb. The RunEngine calls it after every run."""
        if self._task is None or self._task.done():
            return
        self._stopped = True
        try:
            await self._device.stop(success=success)
        finally:
            await self.end()

    async def end(self) -> None:
        """End the call that is under way, whose device was stopped; what it raises then is nobody's concern."""
        if self._task is None or self._task.done():
            return
        self._stopped = True
        if not self._begun:
            await asyncio.sleep(0)  # a task that is cancelled before it begins cannot end by itself
        self._task.cancel()

    async def describe(self) -> dict[str, DataKey]:
        """The data keys of the outputs, `DEVICE-OUTPUT`."""
        return {
            f"{self._device.name}-{key}": data_key(
                f"motet://{self.name}/{key}",
                output,
                len(self._outputs[key]) if output.dtype == "array" else 0,
            )
            for key, output in self.spec.outputs.items()
        }

    async def read(self) -> dict[str, Reading[Any]]:
        """The outputs of the last call with the time it ended."""
        return {
            f"{self._device.name}-{key}": Reading(value=self._outputs[key], timestamp=self._at)
            for key in self.spec.outputs
        }


def _fits(value: Any, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)
