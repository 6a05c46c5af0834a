"""A simulated PalmSens EmStat Pico or EmStat4 with an electrochemical cell, byte by byte.

Commands end with LF and are answered with their first character, then what they give, then LF; a refusal has `!` and
four hexadecimal digits after that character (Communication protocol for EmStat Pico v1.6 and for EmStat4 v1.3, ch. 2
to 5 and 8). `t`: firmware version in two lines, `i`: serial number, `v`: version of MethodSCRIPT, `CC` and `CM`: which
commands there are, a bit each; `l` and `e`, then the lines of a script, then an empty one: load it, load and execute
it; `r`: execute it. While a script runs: `Z` abort it, `Y` end its measurement loop, `h` halt, `H` go on. The output
of a script ends with an empty line, after an error too.

Not verified: how an empty line is answered (here, by one), that `t` is answered while a script runs, what each scan
of several begins with, and which answer what is not simulated (files, registers) gives.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Literal

from pydantic import Field

from motet.contracts.simulation import Clock, Timer
from motet.simulation import Faults, SimulatedInstrument
from motet_simulators.emstat_pico.capabilities import communication_bits, script_bits
from motet_simulators.emstat_pico.cells import Quantities, cell_for
from motet_simulators.emstat_pico.electrochemical_cell import CellOptions
from motet_simulators.emstat_pico.interpreter import Run, Steps
from motet_simulators.emstat_pico.machine import Potentiostat
from motet_simulators.emstat_pico.models import MODELS
from motet_simulators.emstat_pico.parser import Program, ScriptError, parse

UNKNOWN, UNKNOWN_REGISTER, WRONG_MODE, TOO_LONG, NOT_LOADED, NOT_SUPPORTED = 0x3, 0x4, 0x6, 0x8, 0xC, 0x1B
_LONGEST_LINE, _LARGEST_SCRIPT = 1024, 65536
_BATCH = 1000
"""So many lines at most are sent before the clock is let go on."""


class Options(Faults):
    """The instrument, its cell, and the quantities of the station's world that the cell depends on.

    Faults of its own: `error` refuses a script when it is loaded, `stall` ends a measurement with a critical cell
    overload (at one of its points), `drift` is that of the reference electrode, V an hour.
    """

    model: Literal["EmStat Pico", "EmStat4 LR", "EmStat4 HR"] = "EmStat Pico"
    serial_number: str = Field(default="ESPI2201", pattern=r"^[!-~]{1,24}$")
    firmware: str = Field(default="1.3.0", pattern=r"^\d\.\d(\.\d{1,2})?$")
    script_version: str = "01.04.00"
    """Of MethodSCRIPT."""
    noise: float = Field(default=2e-5, ge=0)
    """Of a current as a part of its range, and of a potential in V; standard deviation."""
    cell: CellOptions = Field(default_factory=CellOptions)
    """The cell, where the world has none of its own."""
    concentration: str = "concentration"
    """The world's quantity that is the concentration of the couple, mM."""
    temperature: str = "temperature"
    """The world's quantity that is the temperature of the solution, degC."""
    current: str = "current"
    """The world's quantity that is the cell's current: where there is one, it takes the place of the cell."""
    current_unit: float = Field(default=1e-3, gt=0)
    """What one of it is, A: the Schwefel plate's is in mA."""


def problem(driver: Any, options: Options) -> str | None:
    """Why the driver would not accept the simulator: another model."""
    if driver.model == options.model:
        return None
    return f"the driver's model is {driver.model}, the simulator's {options.model}: state `model` for both"


class EmStatPico(SimulatedInstrument):
    """An EmStat: what the host says, the script that runs, and its potentiostat."""

    terminator: ClassVar[bytes] = b"\n"

    def __init__(self, options: Options, world: object, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self._options = options
        self._model = MODELS[options.model]
        names = Quantities(options.concentration, options.temperature, options.current, options.current_unit)
        cell = cell_for(options.cell, world, names)
        self._device = Potentiostat(self._model, cell, options.noise, seed, self.drift)
        self._facts = {
            "": "",
            "i": options.serial_number,
            "v": options.script_version,
            "CC": f"{communication_bits():064X}",
            "CM": f"{script_bits():064X}",
        }
        self._line = bytearray()
        self._loading: list[str] | None = None
        self._executes = False
        self._program: Program | None = None
        self._run: Run | None = None
        self._steps: Steps | None = None
        self._due = self._left = 0.0
        self._timer: Timer | None = None
        self._halted = False

    @property
    def running(self) -> bool:
        """Whether a script runs now."""
        self._catch_up()
        return self._run is not None

    @property
    def cell_on(self) -> bool:
        """Whether the cell is connected now."""
        self._catch_up()
        return self._device.cell_on

    @property
    def potential(self) -> float:
        """What the cell is or would be held at, V."""
        return self._device.potential

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The line is open. What a script has sent meanwhile is lost."""
        self._catch_up()
        super().attach(send)
        self._go_on()

    def detach(self) -> None:
        """The line is closed; a script goes on."""
        super().detach()
        self._timer = None
        self._line.clear()

    def receive(self, data: bytes) -> None:
        """Bytes from the host."""
        for byte in data:
            if byte == 0x0A:
                line = self._line.decode("latin-1").replace("\r", "")
                self._line.clear()
                self._command(line)
            else:
                self._line.append(byte)
        if len(self._line) > _LONGEST_LINE:
            self._line.clear()
            self._refuse("", TOO_LONG)

    def _command(self, line: str) -> None:
        if self._loading is not None:
            self._script_line(line)
        elif self._run is not None:
            self._while_running(line, self._run)
        else:
            self._idle(line)

    def _idle(self, line: str) -> None:
        match line:
            case "" | "i" | "v" | "CC" | "CM":
                self._reply(line[:1] + self._facts[line])
            case "t":
                self._tell_firmware()
            case "e" | "l":
                self._loading, self._executes = [], line == "e"
            case "r" if self._program is not None:
                self._reply("r")
                self._start(self._program)
            case _:
                self._refuse(line[0], self._why_not(line))

    def _why_not(self, line: str) -> int:
        if line == "r":
            return NOT_LOADED
        if line in ("Z", "Y", "h", "H", "R"):
            return WRONG_MODE
        return UNKNOWN_REGISTER if line[0] == "G" else UNKNOWN

    def _while_running(self, line: str, run: Run) -> None:
        match line:
            case "":
                pass
            case "Z" | "Y":
                self._reply(line)
                run.abort, run.leave = run.abort or line == "Z", True
                if line == "Z" or run.measuring:
                    self._halted, self._due = False, self.clock.now()
                    self._go_on()
            case "h":
                if not self._halted:
                    self._halted, self._left = True, self._due - self.clock.now()
                    self._cancel()
                self._reply("h")
            case "H":
                self._reply("H")
                if self._halted:
                    self._halted, self._due = False, self.clock.now() + self._left
                    self._go_on()
            case "t":
                self._tell_firmware()
            case "R":
                self._refuse("R", NOT_SUPPORTED)
            case _:
                self._refuse(line[0], WRONG_MODE)

    def _script_line(self, line: str) -> None:
        assert self._loading is not None
        if line and sum(map(len, self._loading)) < _LARGEST_SCRIPT:
            self._loading.append(line)
            return
        if line:
            return  # too large: what is beyond is not kept, and the script is refused when it ends
        lines, self._loading = self._loading, None
        command = "e" if self._executes else "l"
        try:
            if self.fault("error") is not None:
                raise ScriptError(0x0001, 1, 1)
            if sum(map(len, lines)) >= _LARGEST_SCRIPT:
                raise ScriptError(0x4005, len(lines), 1)
            self._program = parse(lines)
        except ScriptError as error:
            self._program = None
            self._reply(f"{command}{error}")
            return
        self._reply(command)
        if self._executes:
            self._start(self._program)

    def _start(self, program: Program) -> None:
        self._run = Run(program, self._device, lambda: self.fault("stall") is not None)
        self._steps = self._run.steps()
        self._due, self._halted = self.clock.now(), False
        self._timer = self.later(0.0, self._go_on)  # not from inside the host's call

    def _go_on(self) -> None:
        """Let the script do what it has to by now, and come back when it has to do more."""
        self._cancel()
        if self._advance(_BATCH) and self.attached and not self._halted:
            self._timer = self.later(max(0.0, self._due - self.clock.now()), self._go_on)

    def _catch_up(self) -> None:
        """With nobody on the line the script has gone on all the same."""
        if not self.attached and not self._halted:
            while self._run is not None and self._due <= self.clock.now():
                self._advance(_BATCH)

    def _advance(self, lines: int) -> bool:
        """Go on up to now or so many lines. Returns whether there is more to come."""
        while self._steps is not None and not self._halted and self._due <= self.clock.now() + 1e-9 and lines:
            lines -= 1
            step = next(self._steps, None)
            if step is None or step == "":
                self._steps = self._run = None
            if isinstance(step, str):
                self._reply(step)
            elif step is not None:
                self._due += step
        return self._steps is not None

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell_firmware(self) -> None:
        version = self._options.firmware.split(".")
        digits = "".join(version[:2]) + (version[2].zfill(2) if len(version) > 2 else "")
        self._reply(f"t{self._model.code}{digits}#Apr 12 2023 10:21:45\nR*")

    def _refuse(self, command: str, code: int) -> None:
        self._reply(f"{command}!{code:04X}")

    def _reply(self, text: str) -> None:
        """Send a line, unless nobody listens."""
        if self.attached:
            self.answer(text.encode("latin-1", "replace") + b"\n", text[:1].encode("latin-1", "replace") + b"\n")
