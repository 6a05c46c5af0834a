"""A simulated OWIS PS10 / PS90 position control unit, byte by byte.

Commands, replies, states, messages and reference modes are those of OWIS' operating manuals (PS 10, PS 35,
PS 90; their command tables) as four public drivers of these controllers transcribe them: HELAO's
owis_driver, the EPICS support motorOWISPS, PyMeasure's owis instruments and SweepMe!'s OWIS_PS10-32. The
manuals themselves were not at hand: the text of `?VERSION` and the numbers in the error memory (`?ERR`,
which stays empty here) could not be verified.

Not simulated: velocity mode, interpolation, joystick, index pulses (reference modes 0 and 3), the time INIT
takes.
"""

import re
from collections.abc import Callable
from typing import Protocol

from pydantic import Field, model_validator

from motet.contracts.simulation import Clock, Timer
from motet_simulators.faults import FaultInjector, Faults
from motet_simulators.motion import rest
from motet_simulators.owis_axis import MASKS, PARAMETERS, Axis, Scale

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


class StageWorld(Protocol):
    """What a stage's world must offer."""

    def bind_stage(self, position: Callable[[], tuple[float, float, float]]) -> Callable[[], None]:
        """Take the function that gives the position; give the one to call when a motion begins or ends."""
        ...


class Options(Faults):
    """The axes of the controller: x, y and z are the first three, in mm of the world."""

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

    @model_validator(mode="after")
    def _one_start_an_axis(self) -> "Options":
        if len(self.start) != len(self.travel):
            raise ValueError(f"start has {len(self.start)} positions for {len(self.travel)} axes")
        for number, (position, (low, high)) in enumerate(zip(self.start, self.travel, strict=True), 1):
            if not low < position < high:
                raise ValueError(f"axis {number} starts at {position:g}, outside its travel ({low:g}, {high:g})")
        return self


class OwisPs90:
    """An OWIS PS10/PS90 controller that moves the stage of its world."""

    def __init__(self, options: Options, world: StageWorld | None, clock: Clock, seed: int) -> None:
        self._options = options
        self._clock = clock
        self._faults = FaultInjector(options, seed)
        self._send: Callable[[bytes], None] = lambda data: None
        self._buffer = b""
        self._message = 0
        self._terminal = 0
        self._end = 0
        self._timers: dict[int, Timer] = {}
        self._axes = [self._axis(travel, start) for travel, start in zip(options.travel, options.start, strict=True)]
        self._moved = world.bind_stage(self.position) if world is not None else lambda: None

    def position(self) -> tuple[float, float, float]:
        """Where the stage is, (x, y, z) in mm of the world; 0 for an axis that is not there."""
        now = self._clock.now()
        mm = [axis.trajectory.position(now) / self._options.counts_per_mm for axis in self._axes[:3]]
        x, y, z = (*mm, 0.0, 0.0, 0.0)[:3]
        return x, y, z

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The line is open."""
        self._send = send
        self._buffer = b""

    def detach(self) -> None:
        """The line is closed. Motions run on, as they do on the instrument; nobody hears of them."""
        self._send = lambda data: None
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def receive(self, data: bytes) -> None:
        """Bytes from the host: commands ended by CR, LF or both."""
        *lines, self._buffer = re.split(rb"[\r\n]+", self._buffer + data)
        for line in filter(None, lines):
            for axis in self._axes:
                axis.update(self._clock.now())
            self._line(line.decode("ascii", "replace").strip().upper())

    def _line(self, line: str) -> None:
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
                self._answer(reply)
            return
        self._message = self._do(name, number, value)
        if self._terminal == 2:
            self._answer("OK")

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
            case "ERR" | "EMERGINP":
                return "0"
            case "TERM":
                return str(self._terminal)
            case "COMEND":
                return str(self._end)
            case "BAUDRATE":
                return "9600"
            case _:
                axis = self._numbered(number)
                return None if axis is None else axis.answer(name, self._clock.now())

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
        if name == "ERRCLEAR":
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
        if re.fullmatch(r"[+-]?\d+", value) is None:
            return 3
        return self._set_number(name, axis, int(value))

    def _set_number(self, name: str, axis: Axis, setting: int) -> int:
        if not -_POSITION_RANGE <= setting < _POSITION_RANGE or (name in ("PVEL", "FVEL", "ACC") and setting < 1):
            return 4
        now = self._clock.now()
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
        now = self._clock.now()
        match name:
            case "INIT" if axis.state != "U" and not axis.moving:
                axis.initialise(now)
            case "MON" if axis.state in "OR":
                axis.initialise(now)
            case "MOFF" if axis.state not in "IU":
                axis.release_motor(now)
                self._moved()
            case "PGO" if axis.state == "R" and not self._faults.refused():
                axis.go(now)
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
        self._moved()
        key = id(axis)
        if key in self._timers:
            self._timers.pop(key).cancel()
        if axis.moving:
            seconds = max(0.0, axis.trajectory.end - self._clock.now())
            self._timers[key] = self._clock.call_later(seconds, self._ended, axis)

    def _ended(self, axis: Axis) -> None:
        axis.update(self._clock.now())
        self._motion(axis)

    def _numbered(self, number: str) -> Axis | None:
        index = int(number or 0) - 1
        return self._axes[index] if 0 <= index < len(self._axes) else None

    def _answer(self, reply: str) -> None:
        if self._faults.silent():
            return
        end = _ENDS[self._end]
        data = self._faults.garbage(len(reply), without=b"\r\n") if self._faults.garbled() else reply.encode("ascii")
        self._send(data + end)

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
