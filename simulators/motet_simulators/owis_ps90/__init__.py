"""A simulated OWIS PS10 / PS90 position control unit, byte by byte.

Commands, replies, states, messages and reference modes are those of OWIS' operating manuals (PS 10, PS 35,
PS 90; their command tables) as public drivers of these controllers transcribe them: HELAO's owis_driver,
the EPICS support motorOWISPS, two PyMeasure drivers of the PS 10 and SweepMe!'s OWIS_PS10-32. The manuals
themselves were not at hand. Could not be verified: the text of `?VERSION`; the codes in the error memory
(`?ERR` gives the newest, four digits, then the next, `0` at the end), which are taken from the options;
what else the emergency stop input does than to be read; the state after a motion error.

Not simulated: velocity mode, interpolation, joystick, index pulses (reference modes 0 and 3), the time INIT
takes.
"""

import re
from typing import Literal

from pydantic import Field, model_validator

from motet.contracts.simulation import Clock, Timer
from motet.contracts.worlds import World
from motet.simulation import Faults, SimulatedInstrument
from motet_simulators.motion import rest
from motet_simulators.owis_ps90.axis import MASKS, PARAMETERS, Axis, Scale

MESSAGES = {
    0: "NO MESSAGE AVAILABLE",
    1: "PARAMETER BEFORE EQUAL WRONG",
    2: "AXIS NUMBER WRONG",
    3: "PARAMETER AFTER EQUAL WRONG",
    4: "PARAMETER AFTER EQUAL RANGE",
    5: "WRONG COMMAND ERROR",
    6: "REPLY IMPOSSIBLE",
    7: "AXIS IS IN WRONG STATE",
}
_COMMAND = re.compile(r"(?:\d\d)?(?P<query>\??)(?P<name>[A-Z]+)(?P<axis>\d?)(?:=(?P<value>.*))?")
_ENDS = {0: b"\r", 1: b"\r\n", 2: b"\n"}
_POSITION_RANGE = 2**31


class Options(Faults):
    """The axes of the controller, in mm of the world."""

    travel: tuple[tuple[float, float], ...] = Field(
        default=((-10, 90), (-10, 90), (-5, 45)), min_length=1, max_length=9
    )
    """The ends of each axis, where its limit switches are, mm."""
    start: tuple[float, ...] = (0, 0, 20)
    """Where each axis is at power-on, mm."""
    initialised: bool = True
    """Whether the axes were initialised and referenced before, as in a lab that runs."""
    counts_per_mm: float = Field(default=10_000, gt=0)
    speed: float = Field(default=10, gt=0)
    """Positioning velocity after power-on, mm/s."""
    acceleration: float = Field(default=100, gt=0)
    """Acceleration after power-on, mm/s2."""
    cycle: float = Field(default=256e-6, gt=0)
    """Cycle of the motion controller, s."""
    version: str = "PS90-V6.2-120815"
    serial_number: str = "08070255"
    drives: tuple[str, ...] = ("x", "y", "z")
    """The quantities of its world that its axes drive, the first axis the first."""
    error_memory: tuple[str, ...] = ()
    """What is in the error memory, the newest first: four digits each."""
    emergency_stop: bool = False
    """Whether the emergency stop input is active: no motor can be switched on or moved."""

    @model_validator(mode="after")
    def _one_start_an_axis(self) -> "Options":
        if len(self.start) != len(self.travel):
            raise ValueError(f"start has {len(self.start)} positions for {len(self.travel)} axes")
        for number, (position, (low, high)) in enumerate(zip(self.start, self.travel, strict=True), 1):
            if not low < position < high:
                raise ValueError(f"axis {number} starts at {position:g}, outside its travel ({low:g}, {high:g})")
        return self


class OwisPs90(SimulatedInstrument):
    """An OWIS PS10/PS90 controller that moves the stage of its world."""

    terminator = b"\r"

    def __init__(self, options: Options, world: World | None, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self._options = options
        self._buffer = b""
        self._message = 0
        self._terminal = 0
        self._end = 0
        self._errors = list(options.error_memory)
        self._ends: dict[int, Timer] = {}
        self._axes = [self._axis(travel, start) for travel, start in zip(options.travel, options.start, strict=True)]
        self._moved = [
            world.drive(quantity, lambda axis=axis: self._mm(axis))
            for quantity, axis in zip(options.drives, self._axes, strict=False)
            if world is not None and quantity in world.takes
        ]

    @property
    def at_rest(self) -> bool:
        """Whether no axis is on its way."""
        now = self.clock.now()
        return not any(axis.moving and now < axis.trajectory.end for axis in self._axes)

    def position(self) -> tuple[float, float, float]:
        """Where the first three axes are, mm of the world; 0 for one that is not there."""
        x, y, z = (*map(self._mm, self._axes[:3]), 0.0, 0.0, 0.0)[:3]
        return x, y, z

    def detach(self) -> None:
        """The line is closed. Motions run on, as they do on the instrument; nobody hears of them."""
        super().detach()
        self._buffer = b""
        self._ends.clear()

    def receive(self, data: bytes) -> None:
        """Bytes from the host: commands ended by CR, LF or both."""
        *lines, self._buffer = re.split(rb"[\r\n]+", self._buffer + data)
        for line in filter(None, lines):
            for axis in self._axes:
                axis.update(self.clock.now())
            self._line(line.decode("ascii", "replace").strip().upper(), line + b"\r")

    def _line(self, line: str, request: bytes) -> None:
        match = _COMMAND.fullmatch(line)
        if match is None:
            self._message = 5
            return
        name, number, value = match["name"], match["axis"], match["value"]
        if match["query"]:
            reply = self._query(name, number) if value is None else None
            if reply is None:
                self._message = 5
            else:
                self._tell(reply, request)
            return
        self._message = self._do(name, number, value)
        if self._terminal == 2:
            self._tell("OK", request)

    def _query(self, name: str, number: str) -> str | None:
        if name == "MSG":
            message, self._message = self._message, 0
            return f"{message:02d}" if self._terminal == 0 else f"{message:02d} {MESSAGES[message]}"
        match name:
            case "ASTAT":
                return "".join([axis.state for axis in self._axes])
            case "VERSION":
                return self._options.version
            case "SERNUM":
                return self._options.serial_number
            case "ERR":
                return self._errors.pop(0) if self._errors else "0"
            case "EMERGINP":
                return str(int(self._options.emergency_stop))
            case "TERM":
                return str(self._terminal)
            case "COMEND":
                return str(self._end)
            case "BAUDRATE":
                return "9600"
            case _:
                axis = self._numbered(number)
                return None if axis is None else axis.answer(name, self.clock.now())

    def _do(self, name: str, number: str, value: str | None) -> int:
        """Carry out a command; the number of the message it leaves, 0 when it was right."""
        if name in ("TERM", "COMEND"):
            if value not in ("0", "1", "2"):
                return 4
            if name == "TERM":
                self._terminal = int(value)
            else:
                self._end = int(value)
            return 0
        if name in ("ERRCLEAR", "SAVEPARA"):
            self._errors = [] if name == "ERRCLEAR" else self._errors
            return 0
        axis = self._numbered(number)
        if name in PARAMETERS or name in MASKS or name in ("PSET", "CNT", "REF"):
            return 2 if axis is None else self._set(name, axis, value)
        if name not in ("INIT", "MON", "MOFF", "PGO", "STOP", "EFREE", "ABSOL", "RELAT", "CRES"):
            return 5
        if value is not None:
            return 1
        return 2 if axis is None else self._command(name, axis)

    def _set(self, name: str, axis: Axis, value: str | None) -> int:
        if value is None:
            return 3
        if name in MASKS:
            if re.fullmatch(f"[01]{{{len(MASKS[name])}}}", value) is None:
                return 3
            axis.masks[name] = value
            return 0
        if re.fullmatch(r"[+-]?\d+(\.\d*)?", value) is None:  # decimals, which some public drivers send, are cut off
            return 3
        return self._set_number(name, axis, int(float(value)))

    def _set_number(self, name: str, axis: Axis, setting: int) -> int:
        if not -_POSITION_RANGE <= setting < _POSITION_RANGE or (name in ("PVEL", "FVEL", "ACC") and setting < 1):
            return 4
        now = self.clock.now()
        match name:
            case "PSET":
                axis.target = setting
            case "CNT":
                axis.set_counter(now, setting)
            case "REF" if setting not in (1, 2, 4, 5, 6, 7):
                return 4
            case "REF" if axis.state != "R":
                return 7
            case "REF":
                axis.reference(now, setting)
                self._motion(axis)
            case "AXIS":
                axis.parameters[name] = setting
                axis.release_motor(now)
                axis.state = "I" if setting else "U"
            case _:
                axis.parameters[name] = setting
        return 0

    def _command(self, name: str, axis: Axis) -> int:
        now = self.clock.now()
        if self._options.emergency_stop and name in ("INIT", "MON", "PGO", "EFREE"):
            return 7
        match name:
            case "INIT" if axis.state != "U" and not axis.moving:
                axis.initialise(now)
            case "MON" if axis.state in "OR":
                axis.initialise(now)
            case "MOFF" if axis.state not in "IU":
                axis.release_motor(now)
                self._motion(axis)
            case "PGO" if axis.state == "R" and not self.fault("error"):
                axis.go(now, self._failure())
                self._motion(axis)
            case "EFREE" if axis.powered and axis.state in "LR":
                axis.free(now)
                self._motion(axis)
            case "STOP":
                axis.stop(now)
                self._motion(axis)
            case "ABSOL" | "RELAT":
                axis.relative = name == "RELAT"
            case "CRES":
                axis.set_counter(now, 0)
            case _:
                return 7
        return 0

    def _motion(self, axis: Axis) -> None:
        """A motion begins or changes: the world hears of it, and of its end."""
        for moved in self._moved:
            moved()
        key = id(axis)
        if key in self._ends:
            self._ends.pop(key).cancel()
        if axis.moving:
            seconds = max(0.0, axis.trajectory.end - self.clock.now())
            self._ends[key] = self.later(seconds, self._ended, axis)

    def _ended(self, axis: Axis) -> None:
        axis.update(self.clock.now())
        self._motion(axis)

    def _failure(self) -> Literal["stuck", "stall"] | None:
        fault = self.fault("stuck", "stall")
        return None if fault is None else "stuck" if fault.kind == "stuck" else "stall"

    def _numbered(self, number: str) -> Axis | None:
        index = int(number or 0) - 1
        return self._axes[index] if 0 <= index < len(self._axes) else None

    def _tell(self, reply: str, request: bytes) -> None:
        self.answer(reply.encode("ascii") + _ENDS[self._end], request)

    def _mm(self, axis: Axis) -> float:
        return axis.trajectory.position(self.clock.now()) / self._options.counts_per_mm

    def _axis(self, travel: tuple[float, float], start: float) -> Axis:
        options = self._options
        scale = Scale(options.counts_per_mm, options.cycle)
        ready = options.initialised
        acceleration, speed = scale.acceleration(options.acceleration), scale.velocity(options.speed)
        parameters = {
            **PARAMETERS,
            "ACC": acceleration, "DACC": acceleration, "PVEL": speed,
            "FVEL": scale.velocity(1), "RVELF": -speed, "RVELS": -scale.velocity(0.25),
        }  # fmt: skip
        low, high = (end * options.counts_per_mm for end in travel)
        return Axis(
            scale=scale,
            travel=(low, high),
            trajectory=rest(start * options.counts_per_mm),
            state="R" if ready else "I",
            parameters=parameters,
            referenced=ready,
            powered=ready,
        )
