"""What stands in for an object of the Bluesky protocols where a lab is simulated.

By default a simulated one on the lab's clock: what it is set to it moves to at a speed, when it is triggered it takes
its time, and it gives the values that the lab file states or that the world holds. Protocols: `bluesky.protocols`,
https://blueskyproject.io/bluesky/main/hardware.html.
"""

import random
from collections.abc import Callable
from typing import Any

from bluesky.protocols import Reading
from event_model import DataKey
from pydantic import BaseModel, ConfigDict, Field, model_validator

from motet.contracts.objects import PATH_PATTERN, ObjectPath
from motet.contracts.simulation import Clock
from motet.contracts.worlds import World
from motet.simulation import FaultInjector, Faults
from motet.stamps import wall

HOUR = 3600.0


class Given(BaseModel):
    """A value that the simulated object gives; the number alone will do."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    value: float | str | bool = 0.0
    """The value, when it is no quantity of the world."""
    quantity: str | None = None
    """The quantity of the station's world that it shows instead, where there is a world that has it."""
    noise: float = Field(default=0.0, ge=0)
    """The standard deviation of a number."""

    @model_validator(mode="before")
    @classmethod
    def _from_value(cls, found: object) -> object:
        return {"value": found} if isinstance(found, int | float | str | bool) else found


class Options(Faults):
    """What stands in for the object.

    Faults: error (what is begun fails), stuck (it does not move and never ends), stall (it fails half-way), delay (it
    ends later), drift (values shift, in their unit an hour).
    """

    object: str | None = Field(default=None, pattern=PATH_PATTERN)
    """Another object, by its import path, that stands in for the real one."""
    args: tuple[Any, ...] = ()
    """What it is called with."""
    kwargs: dict[str, Any] = Field(default_factory=dict[str, Any])
    """The same by name."""
    itself: bool = False
    """The driver's own object is harmless (`ophyd.sim:motor`): it is used in simulations, too."""
    position: str = "position"
    """The data key of what it is set to."""
    start: float = 0.0
    """Where it is at first."""
    speed: float | None = Field(default=None, gt=0)
    """How fast it gets where it is set to, units a second of lab time; at once without."""
    limits: tuple[float, float] | None = None
    """What it can be set to."""
    drives: str | None = None
    """The quantity of the station's world that its position is, where there is a world that takes it."""
    takes: float = Field(default=0.0, ge=0)
    """How long it measures when it is triggered, seconds of lab time."""
    gives: dict[str, Given] = Field(default_factory=dict[str, Given])
    """What it gives beside its position, by data key."""

    @model_validator(mode="after")
    def _one_of_three(self) -> "Options":
        if self.itself and self.object is not None:
            raise ValueError("`itself` and `object` say what stands in: only one of them is needed")
        return self


def problem(driver: Any, options: Options) -> str | None:
    """Why nothing can stand in for the driver's object with these options; None when it can."""
    if options.itself or options.object is not None:
        return None
    missing = [key for key in driver.keys if key not in options.gives and key != options.position]
    if not missing:
        return None
    return (
        f"the simulated object gives no {', '.join(missing)}: state it in `gives` (or as the `position`), or name "
        f"another `object`, or say that the driver's own is harmless (`itself: true`)"
    )


def stand_in(options: Options, world: object, clock: Clock, seed: int) -> object:
    """A simulated object on the lab's clock, another object by its import path, or None for the driver's own."""
    if options.itself:
        return None
    if options.object is not None:
        return ObjectPath(object=options.object, args=options.args, kwargs=options.kwargs)
    return SimulatedObject(options, world, clock, seed)


class SimulatedError(Exception):
    """What the simulated object fails with."""


class SimulatedStatus:
    """A `bluesky.protocols.Status`."""

    def __init__(self) -> None:
        self.done = False
        self._error: Exception | None = None
        self._callbacks: list[Callable[[Any], None]] = []

    @property
    def success(self) -> bool:
        """Whether it ended well."""
        return self.done and self._error is None

    def exception(self, timeout: float | None = 0.0) -> BaseException | None:
        """Why it failed."""
        return self._error

    def add_callback(self, callback: Callable[[Any], None]) -> None:
        """Call it at the end, or now if that has come."""
        if self.done:
            callback(self)
        else:
            self._callbacks.append(callback)

    def end(self, error: Exception | None = None) -> None:
        """The end; a second one is none."""
        if self.done:
            return
        self.done, self._error = True, error
        for callback in self._callbacks:
            callback(self)


class SimulatedObject:
    """Something that can be set, triggered and read, on the lab's clock."""

    def __init__(self, options: Options, world: object, clock: Clock, seed: int) -> None:
        self.name = "simulated"
        self.parent = None
        self.limits = options.limits
        self._options = options
        self._clock = clock
        self._made = clock.now()
        self._random = random.Random(seed)  # noqa: S311 - noise of a simulator, no secret
        self._faults = FaultInjector(options.faults, seed)
        self._world = world if isinstance(world, World) else None
        self._from: tuple[float, float] = (options.start, self._made)
        self._target: Any = options.start
        self._values: dict[str, Any] = {}
        self._ending: Any = None
        self._status = SimulatedStatus()
        self._status.end()
        self._changed: Callable[[], None] = _nobody
        if self._world is not None and options.drives is not None and options.drives in self._world.takes:
            self._changed = self._world.drive(options.drives, self.where)

    def where(self) -> float:
        """Its position now."""
        begin, since = self._from
        speed, target = self._options.speed, float(self._target)
        if speed is None or begin == target:
            return target
        way = min(speed * (self._clock.now() - since), abs(target - begin))
        return begin + (way if target > begin else -way)

    @property
    def moving(self) -> bool:
        """Whether something that was begun has not ended."""
        return not self._status.done

    def check_value(self, value: float) -> None:
        """Raises ValueError for what it cannot be set to."""
        if self.limits is not None and not self.limits[0] <= value <= self.limits[1]:
            raise ValueError(f"{value:g} is outside of {list(self.limits)}")

    def set(self, value: Any) -> SimulatedStatus:
        """Go there."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            self._target = value
            return self._begin(0.0)
        fault = self._faults.happens("error", "stuck", "stall", "delay")
        kind = None if fault is None else fault.kind
        here = self._rest()
        if kind == "error":
            return self._begin(0.0, SimulatedError("refused"))
        if kind == "stuck":
            return self._begin(None)
        self._target = here + (value - here) / 2 if kind == "stall" else float(value)
        speed = self._options.speed
        seconds = 0.0 if speed is None else abs(float(self._target) - here) / speed
        self._changed()
        later = fault.seconds if fault is not None and kind == "delay" else 0.0
        return self._begin(seconds + later, SimulatedError("stalled") if kind == "stall" else None)

    def trigger(self) -> SimulatedStatus:
        """Measure: what it gives from then on."""
        fault = self._faults.happens("error", "delay")
        if fault is not None and fault.kind == "error":
            return self._begin(self._options.takes, SimulatedError("no measurement"))
        later = 0.0 if fault is None else fault.seconds
        return self._begin(self._options.takes + later, measured=True)

    async def stop(self, success: bool = True) -> None:
        """Rest where it is."""
        if isinstance(self._target, float):
            self._rest()
            self._changed()
        self._status.end(None if success else SimulatedError("stopped"))

    async def read(self) -> dict[str, Reading[Any]]:
        """Position and values."""
        now = wall()
        found = {self._options.position: self._target if isinstance(self._target, str | bool) else self.where()}
        found |= {key: self._values[key] if key in self._values else self._value(key) for key in self._options.gives}
        return {key: Reading(value=value, timestamp=now) for key, value in found.items()}

    async def describe(self) -> dict[str, DataKey]:
        """What `read` gives."""
        return {
            key: DataKey(source=f"simulated:{key}", dtype="number", shape=[])
            for key in (self._options.position, *self._options.gives)
        }

    def _rest(self) -> float:
        here = self.where() if isinstance(self._target, int | float) and not isinstance(self._target, bool) else 0.0
        self._from, self._target = (here, self._clock.now()), here
        return here

    def _value(self, key: str) -> Any:
        given = self._options.gives[key]
        world, quantity = self._world, given.quantity
        value = given.value
        if world is not None and quantity is not None and quantity in world.reads:
            value = world.read(quantity)
        if isinstance(value, str | bool):
            return value
        drift = self._faults.drift((self._clock.now() - self._made) / HOUR)
        return value + drift + (self._random.gauss(0.0, given.noise) if given.noise else 0.0)

    def _begin(
        self, seconds: float | None, error: Exception | None = None, *, measured: bool = False
    ) -> SimulatedStatus:
        """A status that ends after so many lab seconds, or never. What was begun before has ended."""
        if self._ending is not None:
            self._ending.cancel()
        self._status.end(SimulatedError("something else was begun"))
        status = self._status = SimulatedStatus()

        def end() -> None:
            if measured:
                self._values = {key: self._value(key) for key in self._options.gives}
            if not status.done:
                self._changed()
            status.end(error)

        if seconds is not None:
            self._ending = self._clock.call_later(seconds, end)
        return status


def _nobody() -> None:
    """Without a world nobody wants to know."""
