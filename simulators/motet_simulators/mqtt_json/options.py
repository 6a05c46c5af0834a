"""Options of a simulated JSON node: what its driver's options say of it, and what is behind it."""

from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator

from motet.simulation import Faults

Scalar = str | bool | int | float


def _split(path: object) -> object:
    if isinstance(path, str):
        return [int(part) if part.isdigit() else part for part in path.split(".")] if path else []
    return path


def _several(found: object) -> object:
    return cast("list[object]", found) if isinstance(found, list | tuple) else (found,)


Path = Annotated[tuple[str | int, ...], BeforeValidator(_split)]
Scalars = Annotated[tuple[Scalar, ...], BeforeValidator(_several)]


class _Told(BaseModel):
    """A part of the driver's options; what only the driver needs is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Request(_Told):
    topic: str = "{topic}/command"
    payload: JsonValue = Field(default={})


class Reply(_Told):
    topic: str = "{topic}/reply"
    path: Path = ()
    done: Scalars = ()
    failed: Scalars = ()
    message: Path | None = None


class Argument(_Told):
    type: Literal["number", "integer", "text", "boolean"] = "number"
    limits: tuple[float, float] | None = None
    values: tuple[str, ...] = ()


class Value(_Told):
    path: Path = ()
    type: Literal["number", "integer", "text", "boolean", "array"] = "number"


class Do(_Told):
    arguments: dict[str, Argument] = Field(default={})
    publish: Request = Request()
    reply: Reply | None = None
    outputs: dict[str, Value] = Field(default={})


class Signal(Value):
    topic: str = "{topic}/state"
    request: Request | None = None


class Availability(_Told):
    topic: str = "{topic}/availability"
    path: Path = ()
    online: Scalar = "online"
    offline: Scalar = "offline"


class Who(_Told):
    topic: str = "{topic}/reply"
    request: Request | None = None
    model: Path | None = None
    serial_number: Path | None = None
    firmware: Path | None = None


class Device(_Told):
    """The driver's options."""

    verbs: dict[str, Do] = Field(default={})
    signals: dict[str, Signal] = Field(default={})
    availability: Availability | None = None
    identity: Who | None = None
    request_id: Path | None = None
    stop: Request | None = None
    safe: Request | None = None


class _Own(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Effect(_Own):
    """What a verb does. A text that is the name of an argument in braces, `{volume}`, stands for its value."""

    seconds: float = Field(default=0.0, ge=0)
    """How long it takes."""
    per: dict[str, float] = Field(default={})
    """Seconds more for each unit of an argument: `{volume: 2}`."""
    sets: dict[str, JsonValue] = Field(default={})
    """Variables that have a value once it is done."""
    during: dict[str, JsonValue] = Field(default={})
    """Variables that have a value while it goes on, and their old one afterwards."""
    adds: dict[str, JsonValue] = Field(default={})
    """What it adds to quantities of the world, in proportion to the time that it went on."""
    gives: dict[str, JsonValue] = Field(default={})
    """Its outputs: values, or the names of variables in braces."""


class Shows(_Own):
    """What a signal shows: a variable of its own name, unless something else is said."""

    variable: str = ""
    reads: str = ""
    """A quantity of the world."""
    noise: float = Field(default=0.0, ge=0)
    """Standard deviation of a number."""
    digits: int | None = Field(default=None, ge=0, le=9)
    """Decimals that are told; left out: all."""


class Options(Faults):
    """What the node is like, and what is behind it."""

    whole_driver: ClassVar[str] = "device"

    device: Device = Device()
    """The driver's options: the lab file's `options`."""
    variables: dict[str, JsonValue] = Field(default={})
    """The node's own values at power-on; a signal without one shows 0, an empty text or false."""
    does: dict[str, Effect] = Field(default={})
    """By verb; one that is left out sets the variables that have its arguments' names, at once."""
    shows: dict[str, Shows] = Field(default={})
    """By signal."""
    drives: dict[str, str] = Field(default={})
    """Quantities of the world that variables drive: `{stirring: speed}`."""
    stops: dict[str, JsonValue] = Field(default={})
    """Variables that have a value after `stop`."""
    makes_safe: dict[str, JsonValue] = Field(default={})
    """Variables that have a value after `safe`."""
    period: float = Field(default=1.0, gt=0)
    """Seconds between two messages with the signals that it tells of itself."""
    model: str = "JSON node"
    serial_number: str = "000001"
    firmware: str = "1.0"

    @model_validator(mode="after")
    def _names(self) -> "Options":
        for what, names, known in (
            ("does", set(self.does), set(self.device.verbs)),
            ("shows", set(self.shows), set(self.device.signals)),
        ):
            if names - known:
                missing = ", ".join(sorted(names - known))
                raise ValueError(f"{what} names {missing}; `device` has {', '.join(sorted(known)) or 'none'}")
        return self


def initial(options: Options) -> dict[str, Any]:
    """The node's variables at power-on."""
    empty: dict[str, Any] = {"number": 0.0, "integer": 0, "text": "", "boolean": False, "array": []}
    signals = {name: empty[signal.type] for name, signal in options.device.signals.items()}
    return {**signals, **options.variables}
