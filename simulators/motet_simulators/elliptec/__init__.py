"""A simulated Thorlabs Elliptec module (ELLx) on a multi-drop bus, byte by byte.

A command is an address (0 to F), two letters and hexadecimal digits whose number the letters fix; no terminator is
needed, CR and LF are passed over. A reply is the address, two capitals and digits, ended by CR LF. Positions are 32
bits, two's complement. The maker's protocol manual could not be read: all of this is what published drivers send and
expect (elliptec, thorlabs_elliptec, pylablib, tl_elliptec, Thorlabs-Elliptec-Motorized-Stages). A move is answered when
it has ended, with `PO` and the position or `GS` and what went wrong; meanwhile `gs` gives 09, busy, and a further move
too. Reading the status clears it. `st` ends a continuous motion (jog step 0), cleaning and optimizing.

Drivers differ in what they expect a busy module to say by itself: `busy_every` states it. Not verified either: the
acceleration, whether `st` can end an absolute move (`stops_moves`), that a rotary module counts on beyond a turn, what
commands a slider does not know, and the times.
"""

from collections.abc import Callable
from typing import ClassVar

from pydantic import Field

from motet.contracts.simulation import Clock, Timer
from motet.contracts.worlds import World
from motet.simulation import Faults, SimulatedInstrument
from motet_simulators.elliptec.drive import BAD_VALUE, BUSY, MOTOR, OK, OUT_OF_RANGE, UNKNOWN, Command, Drive, take
from motet_simulators.elliptec.models import MODELS, ModelName
from motet_simulators.motion import rest

_MOVES = ("ho", "ma", "mr", "fw", "bw")
_WORK = {"om": 30.0, "cm": 30.0, "s1": 0.4, "s2": 0.4, "s3": 0.4}
"""Commands that keep a module busy without moving it anywhere, with how long, s."""
_SAYS_SO_S = 0.2
"""So often a module that cleans or optimizes says that it is busy."""
_FACTORY_PERIOD = 0x8B
"""Of a motor, 14.74 MHz over its frequency (as the published drivers convert it)."""
_COMMUNICATION_TIMEOUT_S = 2.0
"""What is left of a command that was not completed is dropped after so long; from memory of the manual."""


class Options(Faults):
    """The module, its address and how it moves."""

    model: ModelName = "ELL20"
    address: str = Field(default="0", pattern=r"^[0-9A-F]$")
    serial_number: str = Field(default="11400517", pattern=r"^[0-9A-Z]{8}$")
    year: int = Field(default=2021, ge=2015, le=9999)
    firmware: str = Field(default="17", pattern=r"^[0-9A-F]{2}$")
    imperial: bool = False
    """Whether its threads are imperial."""
    speed: float | None = Field(default=None, gt=0)
    """At full velocity, mm/s or deg/s; the model's own without it."""
    acceleration: float = Field(default=5000.0, gt=0)
    """mm/s2 or deg/s2."""
    start: float = 0.0
    """Where it is when it is switched on, mm or deg."""
    busy_every: float = Field(default=0.0, ge=0)
    """Seconds after which a module that moves says by itself that it is busy, again and again; 0: it does not."""
    stops_moves: bool = False
    """Whether `st` ends any move."""
    axis: str = "x"
    """The quantity of the world that the module drives: its position, mm or deg."""


class Elliptec(SimulatedInstrument):
    """A Thorlabs Elliptec slider, linear or rotary module."""

    terminator: ClassVar[bytes] = b"\r\n"

    def __init__(self, options: Options, world: object, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self._options = options
        self._model = model = MODELS[options.model]
        self._scale = model.per_unit
        self._drive = Drive(model, options.acceleration * self._scale, rest(round(options.start * self._scale)))
        self._address, self._group, self._isolated_until = options.address, "", 0.0
        self._status, self._velocity, self._home_offset = OK, 100, 0
        self._jog = model.spacing or round(self._scale)
        self._periods = {way: [_FACTORY_PERIOD] * 3 for way in "fb"}
        self._buffer = ""
        self._forgetting: Timer | None = None
        self._watching: list[Timer] = []
        self._moved: Callable[[], None] = lambda: None
        if isinstance(world, World) and options.axis in world.takes:
            self._moved = world.drive(options.axis, self.position)

    def position(self) -> float:
        """Where it really is, mm or deg."""
        return self._drive.counts(self.clock.now()) / self._scale

    @property
    def moving(self) -> bool:
        """Whether it moves, or is busy otherwise."""
        return self._drive.doing != "" and self.clock.now() < self._drive.end

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The line is open."""
        super().attach(send)
        self._buffer = ""
        self._catch_up()
        if self._drive.doing:
            self._watch()

    def receive(self, data: bytes) -> None:
        """Bytes from the host."""
        if self._forgetting is not None:
            self._forgetting.cancel()
        command, self._buffer = take(self._buffer + data.decode("ascii", "replace"))
        while command is not None:
            self._command(command)
            command, self._buffer = take(self._buffer)
        self._forgetting = self.later(_COMMUNICATION_TIMEOUT_S, self._forget) if self._buffer else None

    def _forget(self) -> None:
        self._buffer, self._forgetting = "", None

    def _command(self, command: Command) -> None:
        grouped = command.address == self._group and command.name in _MOVES
        if not (grouped or command.address == self._address) or self.clock.now() < self._isolated_until:
            return
        if grouped:
            self._group = ""
        self._catch_up()
        if command.data.strip("0123456789ABCDEF"):
            self._reply(self._refusal(BAD_VALUE), command)
        elif command.name in _MOVES or command.name in _WORK:
            self._begin(command)
        else:
            self._reply(self._query(command.name) or self._set(command), command)

    def _query(self, name: str) -> str:
        """What a question is answered with; "" for what is none."""
        options, model = self._options, self._model
        match name:
            case "in":
                head = f"IN{model.type:02X}{options.serial_number}{options.year:04d}{options.firmware}"
                return f"{head}{0x80 * options.imperial + 1:02X}{model.travel:04X}{model.pulses:08X}"
            case "gs":
                status, self._status = (BUSY, self._status) if self._drive.doing else (self._status, OK)
                return f"GS{status:02X}"
            case "gp":
                return f"PO{_long(round(self._drive.counts(self.clock.now()) + self.drift() * self._scale))}"
            case "go" if not model.slots:
                return f"HO{_long(self._home_offset)}"
            case "gj" if not model.slots:
                return f"GJ{_long(self._jog)}"
            case "gv":
                return f"GV{self._velocity:02X}"
            case "i1" | "i2" | "i3" if int(name[1]) <= model.motors:
                forward, backward = (self._periods[way][int(name[1]) - 1] & 0xFFF for way in "fb")
                return f"I{name[1]}1{int(bool(self._drive.doing))}0428FFFFFFFF{forward:04X}{backward:04X}"
            case "c1" | "c2" if int(name[1]) <= model.motors:
                samples = (f"{round(14740 / (70 + 0.575 * n)):04X}" for n in range(87))  # 70 to 120 kHz
                return f"C{name[1]}" + "".join(f"{sample[2:]}{sample[:2]}28040000" for sample in samples)
            case _:
                return ""

    def _set(self, command: Command) -> str:
        name, value = command.name, int(command.data or "0", 16)
        if name == "st":
            return self._stop()
        if name == "sv" and not 1 <= value <= 100:
            return self._refusal(BAD_VALUE)
        return f"GS{OK:02X}" if self._take(name, value, command.data) else self._refusal(UNKNOWN)

    def _take(self, name: str, value: int, data: str) -> bool:
        """Take a setting; False for one that the module does not have."""
        match name:
            case "us" | "sk":
                pass
            case "ah":
                return self._model.kind == "iris"
            case "ca" | "ga" if data:
                self._address, self._group = (data, self._group) if name == "ca" else (self._address, data)
            case "is" if data:
                self._isolated_until = self.clock.now() + 60.0 * value
            case "so" if len(data) == 8 and not self._model.slots:
                self._home_offset = _signed(value)
            case "sj" if len(data) == 8 and not self._model.slots:
                self._jog = _signed(value)
            case "sv":
                self._velocity = value
            case "f1" | "b1" | "f2" | "b2" | "f3" | "b3" if int(name[1]) <= self._model.motors:
                factory = value & 0xFFF == 0xFFF
                self._periods[name[0]][int(name[1]) - 1] = _FACTORY_PERIOD if factory else value
            case _:
                return False
        return True

    def _begin(self, command: Command) -> None:
        """Begin what takes time; it is answered when it has ended, or at once when it is refused."""
        name, now = command.name, self.clock.now()
        if self._drive.doing:
            self._reply(f"GS{BUSY:02X}", command)
        elif self.fault("error"):
            self._reply(self._refusal(MOTOR), command)
        elif name in _WORK:
            if name[0] == "s" and int(name[1]) > self._model.motors:
                self._reply(self._refusal(UNKNOWN), command)
            else:
                self._drive.work(now, _WORK[name])
                self._watch()
        elif name in ("ma", "mr") and len(command.data) < 8:
            self._reply(self._refusal(BAD_VALUE), command)
        else:
            self._move(command, now)

    def _move(self, command: Command, now: float) -> None:
        target = self._target(command, round(self._drive.counts(now)))
        if not self._drive.reaches(target):
            self._reply(self._refusal(OUT_OF_RANGE), command)
            return
        speed = (self._options.speed or self._model.speed) * self._scale * self._velocity / 100
        continuous = command.name in ("fw", "bw") and self._jog == 0
        self._moved()
        self._drive.go(now, target, speed, self.fault("stuck", "stall"), jog=continuous)
        self._moved()
        self._watch()

    def _target(self, command: Command, origin: int) -> int:
        spacing, value = self._model.spacing, _signed(int(command.data or "0", 16))
        match command.name:
            case "ho":
                return 0  # positions count from home, wherever `so` has put it
            case "ma":
                return round(value / spacing) * spacing if spacing else value
            case "mr":
                return origin + value
            case name:
                step = self._jog or 1000 * self._model.pulses
                return origin + (step if name == "fw" else -step)

    def _stop(self) -> str:
        if self._drive.doing == "move" and not self._options.stops_moves:
            return f"GS{BUSY:02X}"
        self._moved()
        if not self._drive.stop(self.clock.now()):
            return f"GS{OK:02X}"
        self._moved()
        self._watch()
        return ""

    def _watch(self) -> None:
        """Say when it ends, and before, if it does, that it is busy."""
        for timer in self._watching:
            timer.cancel()
        working = self._drive.doing == "work"
        left = max(0.0, self._drive.end - self.clock.now())
        self._watching = [self.later(left, self._say_end, not working, self._drive.end)]
        every = _SAYS_SO_S if working and left > 1.0 else self._options.busy_every
        if every:
            self._watching.append(self.later(every, self._say_busy, every))

    def _say_busy(self, every: float) -> None:
        if self.moving:
            self._reply(f"GS{BUSY:02X}")
            self._watching.append(self.later(every, self._say_busy, every))

    def _say_end(self, moved: bool, end: float) -> None:
        self._catch_up(end)
        if self._status:
            self._reply(f"GS{self._status:02X}")
        else:
            self._reply(f"PO{_long(round(self._drive.counts(end)))}" if moved else f"GS{OK:02X}")

    def _catch_up(self, now: float = 0.0) -> None:
        """`now` is the time of a timer that may be a little early."""
        if self._drive.ended(max(now, self.clock.now())):
            self._status = self._drive.outcome
            self._moved()

    def _refusal(self, status: int) -> str:
        self._status = status
        return f"GS{status:02X}"

    def _reply(self, text: str, command: Command | None = None) -> None:
        if not text:
            return
        address = f"{(int(self._address, 16) + 1) % 16:X}" if self.fault("wrong_address") else self._address
        self.answer(f"{address}{text}\r\n".encode("ascii"), command.raw if command else b"")


def _signed(value: int) -> int:
    return value - (1 << 32) if value & 0x80000000 else value


def _long(value: int) -> str:
    return f"{value & 0xFFFFFFFF:08X}"
