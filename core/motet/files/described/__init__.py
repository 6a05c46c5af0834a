"""An instrument described in YAML: what is sent to it, what it answers, and how it is simulated. No code.

Commands and replies are templates (`RATE {rate:.2f}`); a place in a command is an argument of its verb, a place in a
reply is what is read from it. The driver `ascii` speaks to an instrument so described, the simulator `ascii` is one:
for it, every place is a variable of the instrument's state, set by commands and shown in replies.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from motet.files.templates import Kind
from motet.model.values import Frozen, Name, Real, Whole

Words = tuple[str, str]


class LineSettings(Frozen):
    """Settings of the line that differ from 9600 baud, 8N1."""

    baudrate: Whole = Field(default=9600, gt=0)
    bytesize: Literal[5, 6, 7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1


class Terminators(Frozen):
    """What ends a command and what ends a reply."""

    send: str = Field(default="\r\n", min_length=1, max_length=8)
    receive: str = Field(default="\r\n", min_length=1, max_length=8)


class Query(Frozen):
    """A question that changes nothing, and its answer."""

    query: str = Field(min_length=1)
    """What is sent."""
    reply: str = Field(min_length=1)
    """What comes back, with places for values: `C {conductivity:.2f} mS/cm`."""
    pattern: str | None = None
    """A regular expression with a group for each of these places, where a reply may come in other forms too."""


class ValueOf(Frozen):
    """What a value is."""

    unit: str = ""
    dtype: Kind = "number"
    scale: Real = 1.0
    """The value is what comes times this."""
    words: Words | None = None
    """How false and true are written, for `dtype: boolean`: `[OFF, ON]`."""
    texts: tuple[str, ...] = ()
    """For `dtype: string`: the only texts that it may be, so that no other reply is taken for one."""


class Signal(Query, ValueOf):
    """A value that can be read at any time; the place of its own name in the reply holds it."""


class Argument(Frozen):
    """An argument of a verb."""

    type: Kind = "number"
    unit: str = ""
    low: Real | None = None
    """The lowest value that the instrument takes."""
    high: Real | None = None
    """The highest one."""
    default: Real | str | bool | None = None
    """Its value when it is left out; without one it is needed."""
    scale: Real = 1.0
    """What is sent is the value times this."""
    words: Words | None = None
    """How false and true are sent, for `type: boolean`: `[OFF, ON]`."""
    choices: dict[str, str] = Field(default_factory=dict[str, str])
    """For `type: string`: the texts that it may be, each with what is sent for it."""


class Command(Frozen):
    """One command; a text stands for `{command: text}`."""

    command: str = Field(min_length=1)
    """What is sent: `VOLUME {volume:.3f}`."""
    reply: str | None = None
    """What it is answered with when it was taken; left out: what `acknowledge` says; empty: it is not answered."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, found: object) -> object:
        return {"command": found} if isinstance(found, str) else found


class Until(Query):
    """When a verb has done what it was told: the instrument is asked until it says so."""

    done: tuple[str, ...] | str
    """The text, or any of the texts, in the only place of the reply that means that it has."""
    failed: dict[str, str] = Field(default_factory=dict[str, str])
    """Texts there that mean that it will not, each with the name of what went wrong."""
    longest: Real | str
    """The longest that it may take, s; an expression of the verb's arguments: `volume / rate * 60 * 1.5 + 5`."""

    @property
    def done_words(self) -> tuple[str, ...]:
        """The texts that mean that it is done."""
        return (self.done,) if isinstance(self.done, str) else self.done


class Result(Query, ValueOf):
    """What a verb gives: asked for when it has done the rest; the place of its own name in the reply holds it."""


class Verb(Frozen):
    """What it can be told to do."""

    doc: str = ""
    """What it does, in a sentence."""
    arguments: dict[Name, Argument] = Field(default_factory=dict[Name, Argument])
    send: tuple[Command, ...] = ()
    """The commands, in order."""
    until: Until | None = None
    outputs: dict[Name, Result | str] = Field(default_factory=dict[Name, Result | str])
    """What it gives, by name: a question of its own, or the name of a signal."""
    repeatable: bool = True
    """Whether it may run a second time by itself, when it is not known whether it has; false for a dispense."""


class ErrorReplies(Frozen):
    """What the instrument answers instead when it refuses."""

    reply: str = Field(min_length=1)
    """With a place for the code, and perhaps for a text: `ERR {code}`."""
    codes: dict[str, str] = Field(default_factory=dict[str, str])
    """The name of each code."""


class ErrorQuery(Query):
    """What is asked after every command: the oldest error of a queue (`SYST:ERR?`)."""

    reply: str = '{code},"{text}"'
    none: str = "0"
    """The code that means that there is none."""
    codes: dict[str, str] = Field(default_factory=dict[str, str])
    """The name of each code."""


class IdentityQuery(Query):
    """What it is asked to say who it is; the places `serial_number`, `firmware` and `model` are compared."""


class Activity(Frozen):
    """Something that takes its time on the simulated instrument: dispensing, heating."""

    begins: str
    """The command that begins it, as written with its verb."""
    ends: tuple[str, ...] = ()
    """Commands that end it early."""
    lasts: Real | str
    """How long it lasts, s: an expression of the state."""
    changes: dict[str, Real | str] = Field(default_factory=dict[str, Real | str])
    """Variables that grow evenly meanwhile, each with by how much in all."""
    adds: dict[str, Real | str] = Field(default_factory=dict[str, Real | str])
    """Quantities of the world that grow evenly meanwhile, each with by how much in all."""
    shows: dict[str, Real | str | bool] = Field(default_factory=dict[str, Real | str | bool])
    """Variables that have another value meanwhile."""
    stalls: dict[str, Real | str | bool] = Field(default_factory=dict[str, Real | str | bool])
    """Variables that have another value after it stalled (fault `stall`), until it is begun again."""


class SimulatedErrors(Frozen):
    """The codes that the simulated instrument refuses with."""

    unknown: str = ""
    """A command that it does not know."""
    range: str = ""
    """A value beyond what its argument takes."""
    busy: str = ""
    """What cannot be begun while something lasts."""


class Simulation(Frozen):
    """How it is simulated. Variables are named as places in commands and replies are."""

    state: dict[str, Real | str | bool] = Field(default_factory=dict[str, Real | str | bool])
    """Each variable's value at power-on, in the unit of its signal or argument."""
    sets: dict[str, dict[str, Real | str | bool]] = Field(default_factory=dict[str, dict[str, Real | str | bool]])
    """Commands without places that set variables."""
    noise: dict[str, Annotated[Real, Field(ge=0)]] = Field(default_factory=dict[str, float])
    """The standard deviation of what is shown of a variable."""
    reads: dict[str, str] = Field(default_factory=dict[str, str])
    """Variables that a quantity of the world decides, where it has that quantity."""
    drives: dict[str, str] = Field(default_factory=dict[str, str])
    """Quantities of the world that follow a variable, by their name."""
    activities: dict[Name, Activity] = Field(default_factory=dict[Name, Activity])
    errors: SimulatedErrors = SimulatedErrors()


class Described(Frozen):
    """An instrument."""

    maker: str = ""
    model: str = Field(min_length=1)
    """What it is called."""
    manual: str = ""
    """Where its commands are from: title and edition of the manual."""
    line: LineSettings = LineSettings()
    terminators: Terminators = Terminators()
    identity: IdentityQuery
    acknowledge: str | None = None
    """What every command is answered with when it was taken; left out: nothing."""
    errors: ErrorReplies | None = None
    error_query: ErrorQuery | None = None
    signals: dict[Name, Signal] = Field(default_factory=dict[Name, Signal])
    verbs: dict[Name, Verb] = Field(default_factory=dict[Name, Verb])
    stop: tuple[Command, ...] = ()
    """What is sent to stop it; left out: nothing moves."""
    safe: tuple[Command, ...] | None = None
    """What is sent at an emergency stop or when its station was lost; left out: the same as for `stop`."""
    simulation: Simulation = Simulation()

    def expects(self, command: Command) -> str | None:
        """What a command is answered with when it was taken, None for nothing."""
        return (self.acknowledge if command.reply is None else command.reply) or None

    def commands(self) -> dict[str, Command]:
        """Every command that there is, by its template."""
        listed = [*(each for verb in self.verbs.values() for each in verb.send), *self.stop, *(self.safe or ())]
        return {command.command: command for command in listed}
