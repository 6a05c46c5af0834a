"""A simulated gantry on a Grbl 1.1 controller, byte by byte (115200 baud, 8N1).

Lines end with CR or LF and are answered in order with `ok` or `error:n` once they have been taken into the planner (15
blocks) or done; until then they wait in a buffer of 128 bytes, beyond which bytes are lost. Single bytes act at once:
`?` `!` `~` 0x18 and those from 0x84 (Grbl v1.1 wiki, "Grbl v1.1 Interface"). Nothing is reported during homing, nor
after a limit alarm until the reset. Where the wiki is silent, the firmware is followed: its grbl/protocol.c and
grbl/system.c were read (in versions of 2016) for real-time commands, states and `$` commands, the rest is from memory.

A gantry without encoders does not know when an axis sticks, but for a homing cycle that finds no switch: there the
fault `stuck` happens. `stall` closes a limit switch half-way along a move.
"""

from collections.abc import Callable
from typing import ClassVar

from motet.contracts.simulation import Clock, Timer
from motet.contracts.worlds import World
from motet.simulation import SimulatedInstrument
from motet_simulators.grbl import words as grbl_words
from motet_simulators.grbl.commands import Commands
from motet_simulators.grbl.core import Core, Waiting
from motet_simulators.grbl.lines import LINE_LENGTH, Lines, override
from motet_simulators.grbl.machine import Machine
from motet_simulators.grbl.options import Options as Options
from motet_simulators.grbl.report import Now, Reports, pins
from motet_simulators.grbl.settings import Settings
from motet_simulators.grbl.words import GcodeError

NOT_IDLE, LOCKED, OVERFLOW = 8, 9, 11
_ALARM_S = 0.5
"""For so long Grbl does nothing but print an alarm."""


class Grbl(SimulatedInstrument):
    """A three-axis gantry on a Grbl 1.1 controller."""

    terminator: ClassVar[bytes] = b"\r\n"

    def __init__(self, options: Options, world: object, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self._options = options
        self._settings = Settings(options.settings)
        self._stored = dict(options.offsets)
        self._lines = Lines()
        self._job: Waiting | None = None
        self._request = ""
        self._report_due = self._booting = False
        self._waking: Timer | None = None
        self._moved: list[Callable[[], None]] = []
        self._power_on(options.start, homed=options.homed)
        if isinstance(world, World):
            for axis, quantity in enumerate(options.axes):
                if quantity in world.takes:
                    self._moved.append(
                        world.drive(quantity, lambda axis=axis: self.position()[axis] - options.zero[axis])
                    )
        self._announced = False

    def position(self) -> tuple[float, float, float]:
        """Where the axes really are, mm in the frame of the homed machine."""
        return self.core.machine.position(self.clock.now())

    @property
    def moving(self) -> bool:
        """Whether an axis moves."""
        self._update()
        return self.core.moving

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The line is open."""
        super().attach(send)
        self._booting = False
        if self._options.auto_reset and self._announced:
            self._power_on(self.position(), homed=False)
            self._announced = False
        if not self._announced:
            self._announced = True
            self._banner()
        self._go_on()

    def receive(self, data: bytes) -> None:
        """Bytes from the host."""
        self._update()
        for byte in data:
            if byte in b"?!~\x18" or byte >= 0x80:
                self._realtime(byte)
            elif not self._booting and self._lines.add(byte):
                self._process()
        self._go_on()

    def _power_on(self, start: tuple[float, float, float], *, homed: bool) -> None:
        machine = Machine(self._settings, start)
        self.core = Core(self._settings, machine, self._print, self.clock.now)
        self.core.parser.stored |= self._stored
        self.core.moved = self._tell_world
        if homed:
            machine.planner.set_position(start)
            machine.slip = (0.0, 0.0, 0.0)
            self.core.state = "Idle"
            self.core.reset()
        self.reports = Reports(self._settings, self.core.parser)
        self._commands = Commands(self.core, self.reports, self._options, self._print)

    def _realtime(self, byte: int) -> None:
        """Do what a single byte asks for."""
        core = self.core
        match byte:
            case 0x3F:
                self._report_due = True
                self._report()
            case 0x21:
                core.hold()
            case 0x7E:
                core.resume()
            case 0x18:
                self._reset()
            case 0x84:
                core.hold(door=True)
            case 0x85:
                core.cancel_jog()
            case _:
                override(core, byte, self.clock.now())

    def _reset(self) -> None:
        """Soft reset. A line that it cuts off is still answered, just before the controller starts anew."""
        cut_off = self._job is not None or self.core.owes_answer
        self._restart(self.core.reset(), cut_off=cut_off)

    def _restart(self, alarm: int = 0, *, cut_off: bool = False) -> None:
        self._lines.clear()
        self._job, self._report_due = None, False
        self.reports.offset_in = self.reports.overrides_in = 0
        if alarm:
            self._print(f"ALARM:{alarm}")
            self._booting = True
            self.later(_ALARM_S, self._banner, cut_off)
        else:
            self._banner(cut_off)

    def _banner(self, cut_off: bool = False) -> None:
        self._booting = False
        if cut_off:
            self._print("ok")
        self.say(f"\r\nGrbl {self._options.version} ['$' for help]\r\n".encode("ascii"))
        if self.core.state == "Alarm":
            self._print("[MSG:'$H'|'$X' to unlock]")
            return
        if any(self._commands.startup):
            self._job = self._startup()

    def _startup(self) -> Waiting:
        for line in filter(None, self._commands.startup):
            answer = yield from self._gcode(line)
            self._print(f">{line}:{answer}")
        return ""

    def _process(self) -> None:
        """Go on with the line that waits, then with those behind it, until one has to wait."""
        while not (self.core.suspended or self._booting):
            if self._job is None:
                line = self._lines.take()
                if line is None:
                    return
                self._request, self._job = line, self._begin(line)
            try:
                next(self._job)
            except StopIteration as done:
                self._job = None
                self._done(done.value)
            else:
                return

    def _done(self, answer: str) -> None:
        """Answer a line; after some the controller starts anew or falls asleep."""
        reply, _, then = answer.partition("+")
        if reply:
            self._reply(reply)
        if then == "reset":
            self._restart()
        elif then == "sleep":
            self._print("[MSG:Sleeping]")

    def _begin(self, line: str) -> Waiting:
        if len(line) > LINE_LENGTH:
            return _at_once(f"error:{OVERFLOW}")
        if not line:
            return _at_once("ok")
        if line.startswith("$J="):
            if self.core.state not in ("Idle", "Jog"):
                return _at_once(f"error:{NOT_IDLE}")
            return self._gcode(line[3:], jog=True)
        if line.startswith("$"):
            if line == "$H" and self._commands.may_home():
                self.core.home(stuck=self.fault("stuck") is not None)
                return _homing()
            return _at_once(self._commands.run(line))
        if self.core.state in ("Alarm", "Jog"):
            return _at_once(f"error:{LOCKED}")
        return self._gcode(line)

    def _gcode(self, line: str, *, jog: bool = False) -> Waiting:
        core = self.core
        parser_position = core.parser.position
        try:
            if self.fault("error"):
                raise GcodeError(grbl_words.UNSUPPORTED)
            actions = core.parser.run(line, jog=jog)
        except GcodeError as error:
            return _at_once(f"error:{error.code}")
        if jog and core.settings.on(20) and not core.within_travel(core.parser.position):
            core.parser.position = parser_position
            return _at_once("error:15")
        if core.parser.offsets_changed:
            core.parser.offsets_changed, self.reports.offset_in = False, 0
        return self._with_faults(core.run(actions, jog=jog), moves=any(action.kind == "line" for action in actions))

    def _with_faults(self, job: Waiting, *, moves: bool) -> Waiting:
        """The motion stalls when it is to."""
        stalls = moves and self.fault("stall") is not None
        answer = yield from job
        if stalls:
            self.core.stall()
        return answer

    def _go_on(self) -> None:
        """Catch up, go on with what waits, and wake up again when something ends."""
        self._update()
        self._process()
        if self._waking is not None:
            self._waking.cancel()
        self._waking = None
        event = self.core.next_event()
        if event is not None and self.attached:
            self._waking = self.later(max(0.0, event - self.clock.now()), self._go_on)

    def _update(self) -> None:
        homing = self.core.update()
        if homing:
            self._job = None
            if homing == "ok":
                if self._report_due:
                    self._report(state="Home")
                self._done(homing)
            else:
                self._booting = True
                self.later(_ALARM_S, self._done, homing)

    def _report(self, state: str = "") -> None:
        core = self.core
        if core.critical or self._booting or (core.state == "Home" and not state):
            return
        self._report_due = False
        if core.changed:
            core.changed, self.reports.overrides_in = False, 0
        now, planner = self.clock.now(), core.machine.planner
        drift = self.drift()
        x, y, z = core.machine.counted(now)
        accessories = {"M3": "S", "M4": "C"}.get(core.spindle, "") + "F" * core.flood + "M" * core.mist
        status = Now(
            state=state or core.shown,
            position=(x + drift, y + drift, z + drift),
            rate=planner.speed(now) * 60,
            speed=core.speed * core.speed_override / 100,
            blocks=15 - len(planner),
            bytes_free=self._lines.free,
            pins=pins(core.machine.position(now), core.machine.pressed),
            overrides=(planner.feed_override, planner.rapid_override, core.speed_override),
            accessories=accessories,
        )
        self.answer(f"{self.reports.status(status)}\r\n".encode("ascii"), b"?")

    def _reply(self, text: str) -> None:
        self.answer(f"{text}\r\n".encode("ascii"), f"{self._request}\n".encode("ascii", "replace"))

    def _print(self, text: str) -> None:
        self.say(f"{text}\r\n".encode("ascii"))

    def _tell_world(self) -> None:
        for moved in self._moved:
            moved()


def _at_once(answer: str) -> Waiting:
    """A line that is done when it is begun."""
    return answer
    yield  # a generator that waits for nothing


def _homing() -> Waiting:
    """The answer comes from the end of the homing cycle."""
    while True:
        yield
