"""A simulated Tecan Cavro XCalibur syringe pump, byte by byte, in the DT and the OEM protocol.

Its modules `wire`, `program` and `syringe` say where frames, commands and motions are from. Reports are those of the
Cavro XLP 6000 operating manual (734237-C), pp. 3-45 to 3-47, read in excerpts; `?19` (initialized or not) is
TriContinent's, whose C3000 speaks the same language and whose driver pycont asks for it. A report answers with or
without an `R` behind it.

Could not be verified for the XCalibur: the texts of `&` and `?76`, what `?6` says before the initialization (here `?`),
at which port the valve rests after it (here the input), and how long it takes.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pydantic import Field

from motet.contracts.simulation import Clock, Timer
from motet.contracts.worlds import World
from motet.simulation import Faults, SimulatedInstrument
from motet_simulators.cavro_xcalibur.commands import Error, Failed, Token, parse
from motet_simulators.cavro_xcalibur.program import Machine
from motet_simulators.cavro_xcalibur.syringe import Syringe
from motet_simulators.cavro_xcalibur.wire import Frame, answer, take

READY, BUSY = 0x60, 0x40
LONGEST = 255
"""Characters that the command buffer takes (XLP 6000 manual, p. 3-14)."""
_TICKS, _SHORTEST_TICK_S = 40, 0.2
_REPORT = re.compile(r"(\?\d*|Q|&|F|#|%|\*|<\d*)R?")


class Options(Faults):
    """The pump, its valve and syringe, and what its ports lead to."""

    same_as_driver: ClassVar[tuple[str, ...]] = ("address", "syringe", "increments")

    address: int = Field(default=0, ge=0, le=14)
    """Position of the address switch, 0 to 14 (E)."""
    syringe: float = Field(default=1.0, gt=0)
    """Volume of the whole stroke, mL."""
    increments: int = Field(default=3000, gt=0)
    """Increments of the whole stroke: 3000 for the XCalibur, 6000 for the XLP 6000."""
    valve_ports: int = Field(default=0, ge=0, le=12)
    """Ports of a distribution valve; 0 for a valve with the positions I, O, B and E."""
    ports: Mapping[str, str] = {"I": "liquid"}
    """Where each position of the valve (I, O, E, 1, 2, ...) leads to: the quantity of the world that is drawn there."""
    vessel: str = "O"
    """The position where what is dispensed is added to the world (mL, by liquid); elsewhere it is waste."""
    initialized: bool = False
    """Whether it was initialized before, as in a lab that runs."""
    volume_bias: float = Field(default=0.0, gt=-1)
    """Relative error of every dispensed volume: 0.01 for 1 % too much."""
    volume_error: float = Field(default=0.0, ge=0, lt=1)
    """Standard deviation of each move's own relative error."""
    firmware: str = "733085-B"
    """What `&` tells."""
    configuration: str = "XCalibur"
    """What `?76` tells."""


def problem(driver: Any, options: Options) -> str | None:
    """Why the driver would move the wrong volumes, or turn the valve to where there is nothing."""
    for key, unit in (("syringe", " mL"), ("increments", "")):
        theirs, ours = getattr(driver, key), getattr(options, key)
        if theirs != ours:
            return f"the driver's {key} is {theirs:g}{unit}, the simulator's {ours:g}{unit}: state `{key}` for both"
    for name, position in driver.ports.items():
        if position.isdigit() and int(position) > options.valve_ports:
            return f"the driver's port {name} is at {position}, the simulator has {options.valve_ports} `valve_ports`"
        if not position.isdigit() and options.valve_ports:
            return f"the driver's port {name} is at {position}, the simulator's valve is a distribution valve"
    return None


class CavroXcalibur(SimulatedInstrument):
    """A Cavro XCalibur with a valve and a syringe that moves liquids of its world.

    Faults: `error` refuses a command string with code 4 (invalid command sequence), `stall` and `stuck` end a plunger
    move half way or at once with code 9 (plunger overload), `wrong_address` answers to another host.
    """

    terminator: ClassVar[bytes] = b"\x03\r\n"

    def __init__(self, options: Options, world: object, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self._options = options
        self._world = world if isinstance(world, World) else None
        ports = {position.lower(): liquid for position, liquid in options.ports.items()}
        self.syringe = Syringe(options.syringe, ports, options.vessel.lower(), self._deliver)
        self.machine = Machine(self.syringe, options.increments, options.valve_ports, self._accuracy, self._fails)
        if options.initialized:
            self.machine.initialized = True
            self.machine.valve = "1" if options.valve_ports else "i"
        self._loaded: list[Token] | None = None
        self._last: list[Token] = []
        self._sequence = 0
        self._buffer = bytearray()
        self._ticking: Timer | None = None

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The line is open."""
        super().attach(send)
        self._buffer.clear()
        self.update()

    def receive(self, data: bytes) -> None:
        """Bytes from the host."""
        self._buffer += data
        self.update()
        while (frame := take(self._buffer)) is not None:
            if frame.reaches(self._options.address):
                self._received(frame)
        self.update()

    def update(self) -> None:
        """Bring everything up to now, and see to it that the world hears of what goes on meanwhile."""
        now = self.clock.now()
        self.machine.advance(now)
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        event = self.machine.next_event(now)
        if self.attached and math.isfinite(event):
            self._ticking = self.later(min(max(event, 1e-3), max(_SHORTEST_TICK_S, event / _TICKS)), self.update)

    def volume(self) -> float:
        """What the plunger has drawn, by its position, mL."""
        return self.machine.position(self.clock.now()) / self.machine.full * self._options.syringe

    def _received(self, frame: Frame) -> None:
        again = frame.repeated and frame.sequence == self._sequence
        if frame.oem:
            self._sequence = frame.sequence
        data, error = self._do("Q" if again and not _REPORT.fullmatch(frame.data) else frame.data)
        if frame.answered:
            ready = READY if not self.machine.busy or self.machine.moving_quietly else BUSY
            master = "1" if self.fault("wrong_address") else "0"
            self.answer(answer(ready | error, data, oem=frame.oem, master=master), frame.raw)

    def _do(self, text: str) -> tuple[str, Error]:
        """Carry out what a frame says: the data of the answer, and its error."""
        report = _REPORT.fullmatch(text)
        if report is not None:
            return self._report(report[1])
        now = self.clock.now()
        if text in ("T", "TR"):
            self.machine.terminate(now)
            return "", Error.NONE
        try:
            self._execute(text, now)
        except Failed as failed:
            return "", failed.error
        return "", Error.NONE

    def _execute(self, text: str, now: float) -> None:
        if len(text) > LONGEST:
            raise Failed(Error.OVERFLOW)
        run = text.endswith("R")
        body = text.removesuffix("R")
        tokens = self._last if body == "X" else parse(body)
        if self.machine.busy or self.machine.trajectory.end > now:
            if not tokens or any(token.name != "V" for token in tokens):
                raise Failed(Error.OVERFLOW)
            for token in tokens:
                self.machine.change_speed(now, token.operand(0))
            return
        if not run:
            self._loaded = tokens
            return
        if not body:
            if self._loaded is None:
                self.machine.resume(now)
                return
            tokens = self._loaded
        if self.fault("error"):
            raise Failed(Error.INVALID_SEQUENCE)
        self._loaded, self._last = None, tokens
        self.machine.start(now, list(tokens))

    def _report(self, name: str) -> tuple[str, Error]:
        machine = self.machine
        if name in ("Q", "?29"):
            error = machine.error
            if error not in (Error.INITIALIZATION, Error.NOT_INITIALIZED):
                machine.error = Error.NONE
            return "", error
        fine = 8 if machine.mode == 2 else 1
        position = machine.position(self.clock.now())
        values: dict[str, object] = {
            "?": position, "?0": position, "?4": position,
            "?1": round(machine.speeds.start * fine), "?2": round(machine.speeds.top * fine),
            "?3": round(machine.speeds.cutoff * fine), "?6": machine.valve,
            "?7": machine.speeds.slope, "?25": machine.speeds.slope,
            "?10": int(self._loaded is not None or machine.unfinished), "?12": machine.backlash,
            "?13": 1, "?14": 1, "?15": machine.counts["initializations"], "?16": machine.counts["plunger"],
            "?17": machine.counts["valve"], "?18": machine.counts["valve_since"], "?19": int(machine.initialized),
            "?20": "0000", "?23": self._options.firmware, "?24": machine.gap, "?28": machine.mode,
            "?76": self._options.configuration, "&": self._options.firmware, "#": "0000", "*": 240,
        }  # fmt: skip
        values["F"] = values["?10"]
        if name == "?18":
            machine.counts["valve_since"] = 0
        if name.startswith("<"):
            return "0", Error.NONE
        if name not in values:
            return "", Error.INVALID_COMMAND
        return str(values[name]), Error.NONE

    def _accuracy(self) -> float:
        return 1 + self._options.volume_bias + self.random.gauss(0.0, self._options.volume_error)

    def _fails(self) -> str:
        fault = self.fault("stuck", "stall")
        return "" if fault is None else fault.kind

    def _deliver(self, liquid: str, volume: float) -> None:
        if self._world is not None and liquid in self._world.takes:
            self._world.add(liquid, volume)
