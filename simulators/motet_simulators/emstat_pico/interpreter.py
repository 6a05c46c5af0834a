"""Runs a MethodSCRIPT program on a simulated potentiostat.

`Run.steps()` is a generator of what the instrument sends (lines) and of how long it takes (seconds, until it is to be
resumed). Markers of loops: MethodSCRIPT manual v1.8, ch. 6: `Mxxxx` ... `*` around a measurement loop, `Cnnnn` ... `-`
around a scan, `L` ... `+` around a loop. `on_finished:` runs after an abort too, but not after an error (ch. 10.1).
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress

from motet_simulators.emstat_pico import techniques as emstat_techniques
from motet_simulators.emstat_pico.machine import Potentiostat, Refused, Value
from motet_simulators.emstat_pico.parser import LOOPS, SIGNATURES, Command, Program, ScriptError, literal
from motet_simulators.emstat_pico.variables import BAD_VALUE, Variables
from motet_simulators.emstat_pico.waves import waves

NO_FILES, NOT_SUPPORTED, CELL_OVERLOAD = 0x0047, 0x001B, 0x0032
_COMMAND_S = 5e-5
"""How long any command takes at least."""
_SLICE_S = 5e-3
"""So much of that may add up before the clock moves on."""
_NOT_TO_THE_HOST = (0, 2)
"""Settings of the script's output."""
_SETTINGS: Mapping[str, Callable[..., None]] = {
    "cell_on": Potentiostat.switch_on,
    "cell_off": Potentiostat.switch_off,
    "set_e": Potentiostat.set_potential,
    "set_pgstat_chan": Potentiostat.set_channel,
    "set_pgstat_mode": Potentiostat.set_mode,
    "set_cr": Potentiostat.set_range,
    "set_range": Potentiostat.set_range,
    "set_autoranging": Potentiostat.set_autoranging,
}
_WITH_TYPE = {"set_range": 2, "set_autoranging": 3}
"""How many arguments there are when the first says what is ranged; only currents are."""
_REFUSED = {"set_i": NOT_SUPPORTED, "file_open": NO_FILES, "file_close": NO_FILES}
Steps = Generator[str | float, None, None]


class _Aborted(Exception):
    pass


class _Left(Exception):
    """`breakloop`."""


class Run:
    """One execution of a program."""

    def __init__(self, program: Program, device: Potentiostat, failing: Callable[[], bool]) -> None:
        self.abort = False
        """Set it to have the script end; `on_finished:` still runs."""
        self.leave = False
        """Set it to have the measurement loop end, the script goes on."""
        self.measuring = False
        """Whether it is in a measurement loop."""
        self._program = program
        self._device = device
        self._failing = failing
        self._variables = Variables()
        self._elapsed = self._spent = self._timer = 0.0
        self._interval = self._next = 0.0
        self._finishing = False
        self._silent = False

    def steps(self) -> Steps:
        """What the instrument sends, line by line, and in between how long it takes, s. Ends with the empty line."""
        try:
            with suppress(_Aborted):
                yield from self._block(self._program.commands)
            self._finishing, self._silent = True, False
            yield from self._block(self._program.finish)
        except ScriptError as error:
            yield str(error)
        yield ""

    def _block(self, commands: Sequence[Command]) -> Steps:
        for command in commands:
            self._spent += _COMMAND_S
            if self._spent > _SLICE_S:
                yield from self._pause(0.0)
            self._check()
            try:
                yield from self._command(command)
            except Refused as refused:
                raise ScriptError(refused.code, command.line) from None

    def _command(self, command: Command) -> Steps:
        name = command.name
        if name in LOOPS:
            yield from self._measure(command)
        elif name == "loop":
            yield from self._loop(command)
        elif name == "if":
            holds = self._variables.holds(command)
            yield from self._block(command.body if holds else command.alternative)
        elif name == "breakloop":
            raise _Left
        elif name == "abort":
            self.abort = True
            self._check()
        elif name in ("wait", "await_int", "meas"):
            yield from self._waiting(command)
        elif name in ("pck_end", "send_string"):
            variables = self._variables
            line = variables.package_line() if name == "pck_end" else "T" + variables.text(command.arguments[0])
            if not self._silent:
                yield line
        else:
            self._quick(name, command.arguments)

    def _waiting(self, command: Command) -> Steps:
        arguments = command.arguments
        if command.name == "await_int":
            while self._next <= self._elapsed and self._interval > 0:
                self._next += self._interval
            yield from self._pause(max(0.0, self._next - self._elapsed))
            return
        seconds = self._variables.number(arguments[0])
        if seconds < 0:
            raise Refused(BAD_VALUE)
        if command.name == "wait":
            yield from self._pause(seconds)
            return
        yield from self._pause(seconds, measured=True)
        kind, device = arguments[2], self._device
        if kind == "ba":
            value = device.current(device.potential, max(seconds, 1e-4)) if device.cell_on else device.reading(0.0)
        else:
            value = device.measured_potential() if kind == "ab" else Value(0.0, kind)
        self._variables.assign(arguments[1], value)

    def _measure(self, command: Command) -> Steps:
        outputs = SIGNATURES[command.name].count("variable")
        values = [self._variables.number(argument) for argument in command.arguments[outputs:]]
        scans = literal(command.options.get("nscans", "1"))
        points = emstat_techniques.points(command.name, values, round(scans[0]) if scans else 1, self._device)
        yield f"M{emstat_techniques.NUMBERS[command.name]:04X}"
        self.measuring, self.leave = True, False
        scan: int | None = None
        try:
            for point in points:
                if point.scan != scan:
                    yield from self._new_scan(scan, point.scan)
                    scan = point.scan
                yield from self._iterate(command, command.arguments[:outputs], point)
        except (_Left, _Aborted) as end:
            yield from self._end_measurement(scan)
            if isinstance(end, _Aborted):
                raise
        else:
            yield from self._end_measurement(scan)

    def _iterate(self, command: Command, variables: Sequence[str], point: emstat_techniques.Point) -> Steps:
        yield from self._pause(point.seconds, measured=True)
        if self.leave:
            raise _Left
        if self._failing():
            raise ScriptError(CELL_OVERLOAD, command.line)
        for variable, value in zip(variables, point.values(), strict=True):
            self._variables.assign(variable, value)
        if (option := command.options.get("eis_tdd")) is not None:
            self._keep_waves(command, option.split())
        yield from self._block(command.body)

    def _keep_waves(self, command: Command, names: Sequence[str]) -> None:
        """What an impedance was calculated from goes to two arrays, with how many there are and how many a second."""
        frequency, real, imaginary, amplitude, *_, potential = map(self._variables.value, command.arguments)
        found = waves(frequency.number, real, imaginary.number, amplitude.number, potential.number)
        self._variables.fill(names[0], found.potentials)
        self._variables.fill(names[1], found.currents)
        self._variables.assign(names[2], Value(len(found.potentials), "ee", integer=True))
        self._variables.assign(names[3], Value(found.rate, "cg"))

    def _new_scan(self, before: int | None, scan: int | None) -> Steps:
        if before is not None:
            yield "-"
        yield f"C{scan:04d}"

    def _end_measurement(self, scan: int | None) -> Steps:
        self.measuring = False
        if scan is not None:
            yield "-"
        yield "*"

    def _loop(self, command: Command) -> Steps:
        yield "L"
        try:
            while self._variables.holds(command):
                self._spent += _COMMAND_S
                yield from self._block(command.body)
                if self._spent > _SLICE_S:
                    yield from self._pause(0.0)
        except _Left:
            pass
        except _Aborted:
            yield "+"
            raise
        yield "+"

    def _quick(self, name: str, arguments: Sequence[str]) -> None:
        """What takes no time worth mentioning and sends nothing."""
        if name in _SETTINGS:
            if name not in ("set_range", "set_autoranging") or "ba" in arguments or len(arguments) < _WITH_TYPE[name]:
                numbers = [self._variables.number(argument) for argument in arguments if argument != "ba"]
                _SETTINGS[name](self._device, *numbers)
        elif name in _REFUSED:
            raise Refused(_REFUSED[name])
        elif name == "timer_start":
            self._timer = self._elapsed
        elif name == "timer_get":
            self._variables.assign(arguments[0], Value(self._elapsed - self._timer, "eb"))
        elif name == "set_int":
            self._interval, self._next = self._variables.number(arguments[0]), self._elapsed
        elif name == "set_script_output":
            self._silent = int(self._variables.number(arguments[0])) in _NOT_TO_THE_HOST
        else:
            self._variables.do(name, arguments)

    def _pause(self, seconds: float, *, measured: bool = False) -> Steps:
        """Let time pass; what commands took before counts as part of a measurement's interval."""
        seconds = max(seconds, self._spent) if measured else seconds + self._spent
        self._spent = 0.0
        yield seconds
        self._check()
        self._elapsed += seconds
        if not measured:
            self._device.pass_time(seconds)

    def _check(self) -> None:
        """Raises when the script is to end, but for what is after `on_finished:`."""
        if self.abort and not self._finishing:
            raise _Aborted
