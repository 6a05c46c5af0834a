"""What a lab file says of an object of the Bluesky protocols: where it is found, what it is set to, what it gives."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from motet.contracts.objects import ObjectPath
from motet.devices import Device, Expected, Output
from motet.devices.signals import Dtype
from motet.files.units import convert, problem
from motet.model.values import Bound, Name

KINDS: Mapping[str, type] = {"number": float, "integer": int, "text": str, "boolean": bool}
_TAKEN = frozenset({*dir(Device), "set", "measure", "context", "limits", "verbs"})


def _known(unit: str) -> str:
    reason = problem(unit) if unit else None
    if reason is not None:
        raise ValueError(reason)
    return unit


def _time(stated: Bound) -> Bound:
    if not 0 < convert(stated, "s") < math.inf:
        raise ValueError(f"{stated!r} is no time to wait: one above 0 s is needed")
    return stated


Unit = Annotated[str, AfterValidator(_known)]
Time = Annotated[Bound, AfterValidator(_time)]
"""Seconds, or a quantity such as `5 min`."""


class _Stated(BaseModel):
    """Something with a unit; the unit alone will do."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    unit: Unit = ""

    @model_validator(mode="before")
    @classmethod
    def _from_unit(cls, found: object) -> object:
        return {"unit": found} if isinstance(found, str) else found


class Sets(_Stated):
    """What the object is set to."""

    type: Literal["number", "integer", "text", "boolean"] = "number"


class Reads(_Stated):
    """One value that the object gives."""

    key: str = ""
    """Its data key in the object's `read`, with or without the object's name before it; by default the name that it has
    here."""
    dtype: Dtype = "number"

    @property
    def output(self) -> Output:
        """As verbs and signals declare it."""
        return Output(self.unit, self.dtype)


class Options(Expected, ObjectPath):
    """An object of the Bluesky protocols, what it can do, and how long that may take (lab time).

    `serial_number` and `firmware` are compared with its EPICS prefix and the version of its package.
    """

    sets: Sets | None = None
    """What it is set to, when it is Movable: gives the verb `set`."""
    outputs: dict[Name, Reads] = Field(default_factory=dict[str, Reads])
    """What it measures when it is triggered, by name: gives the verb `measure`."""
    signals: dict[Name, Reads] = Field(default_factory=dict[str, Reads])
    """What can be read of it at any time, by name."""
    stage: bool = False
    """Stage it before it is triggered, and unstage it after it was read, as area detectors need."""
    connect_within: Time = 10.0
    """The longest time that connecting may take: seconds, or a quantity such as `5 min`."""
    set_within: Time = 600.0
    """The same of a `set`; then it is told to stop."""
    measure_within: Time = 600.0
    """The same of what is triggered, staged or unstaged."""
    read_within: Time = 10.0
    """The same of reading and describing it."""
    stop_within: Time = 10.0
    """The same of coming to rest after it was told to stop."""

    @field_validator("signals")
    @classmethod
    def _are_free(cls, signals: dict[str, Reads]) -> dict[str, Reads]:
        taken = [name for name in signals if name in _TAKEN]
        if taken:
            raise ValueError(f"a signal cannot be called {', '.join(taken)}: devices have that already")
        return signals

    @field_validator("signals")
    @classmethod
    def _are_single(cls, signals: dict[str, Reads]) -> dict[str, Reads]:
        arrays = [name for name, one in signals.items() if one.dtype == "array"]
        if arrays:
            raise ValueError(f"{', '.join(arrays)}: arrays are outputs of `measure`, not signals")
        return signals

    @model_validator(mode="after")
    def _does_something(self) -> "Options":
        if self.sets is None and not self.outputs and not self.signals:
            raise ValueError("what it does is needed: `sets`, `outputs` or `signals`")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """The data keys that are stated for what it gives."""
        return tuple(one.key or name for one_of in (self.outputs, self.signals) for name, one in one_of.items())


def taken(value: Any, reads: Reads) -> Any:
    """A value as it came from the object, as what the options say. Raises ValueError when it is something else."""
    plain: Any = value.tolist() if hasattr(value, "tolist") else value  # numpy's arrays and scalars
    match reads.dtype:
        case "number" if _is_number(plain):
            return float(plain)
        case "integer" if _is_number(plain) and float(plain).is_integer():
            return int(plain)
        case "boolean" if isinstance(plain, bool) or plain in (0, 1):
            return bool(plain)
        case "string" if isinstance(plain, str):
            return str(plain)
        case "array" if isinstance(plain, list | tuple) and all(map(_is_number, cast("list[Any]", plain))):
            return [float(number) for number in cast("list[Any]", plain)]
        case _:
            raise ValueError(f"{value!r} is no {reads.dtype}")


def in_words(longest: Bound) -> str:
    """A time as the lab file states it."""
    return longest if isinstance(longest, str) else f"{longest:g} s"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
