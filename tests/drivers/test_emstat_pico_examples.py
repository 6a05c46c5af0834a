"""What PalmSens' current example program in Python does, done to our simulator with pyserial.

PalmSens/MethodSCRIPT_Examples, Example_Python (palmsens/serialport.py, instrument.py and mscript.py, of 2026): which
commands it sends, how it reads answers, and how strictly it reads what a script sends: every loop begins with a line
of exactly `M` or `C` and four hexadecimal digits, or `L` alone, and ends with the mark of its kind. In our own words;
the scripts have the commands of its examples and of the examples of each measurement loop (MethodSCRIPT 1.8).
"""

import asyncio
import cmath
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import pytest
import serial

from motet.simulation import LoopClock, PtyServer
from motet_simulators import emstat_pico as simulator

SCALE = 100.0
PREFIXES: Mapping[str, float] = {
    **{prefix: 10.0 ** (3 * n - 18) for n, prefix in enumerate("afpnum kMGTPE")},
    "i": 1.0,
}
FAILED = re.compile(r".*!([0-9A-Fa-f]{4})(:.*|\n)")
BEGIN, END = {"M": "*", "C": "-", "L": "+"}, "*-+"


class Timeout(Exception):
    """Nothing came within the port's timeout."""


@dataclass
class Value:
    """One variable of a package."""

    type: str
    value: float
    metadata: Mapping[str, int]


Package = tuple[Value, ...]


@dataclass
class Loop:
    """What came in a loop: packages and loops, in this order; `mark` is the letter that it began with."""

    mark: str = ""
    content: "list[Package | Loop]" = field(default_factory=list["Package | Loop"])

    @property
    def packages(self) -> list[Package]:
        return [one for one in self.content if not isinstance(one, Loop)]

    @property
    def loops(self) -> "list[Loop]":
        return [one for one in self.content if isinstance(one, Loop)]

    def column(self, number: int) -> list[float]:
        return [package[number].value for package in self.packages]


class Example:
    """The program: its port has a timeout of a second, and it writes a script line by line."""

    def __init__(self, port: str) -> None:
        self._port = serial.Serial(port, baudrate=230400, timeout=1)

    def close(self) -> None:
        self._port.close()

    def write(self, text: str) -> None:
        self._port.write(text.encode("ascii"))

    def line(self) -> str:
        data = self._port.readline()
        if not data:
            raise Timeout
        text = data.decode("ascii", errors="replace")
        assert text.endswith("\n"), text
        return text

    def ask(self, command: str) -> str:
        self.write(command + "\n")
        return self.line()[1:-1]

    def firmware(self) -> str:
        self.write("t\n")
        first, second = self.line(), self.line()
        assert first.startswith("t")
        assert second.endswith("*\n")
        return (first + second).replace("\n", " ")[1:-1]

    def abort(self) -> str:
        """The answer to `Z`, once what was running has ended."""
        self.write("\n")
        self.write("Z\n")
        while not (answer := self.line()).startswith("Z"):
            pass
        if answer == "Z\n":
            self.to_the_end()
        return answer

    def run(self, script: str) -> Loop:
        for line in (*script.strip().splitlines(), ""):
            self.write(line.strip() + "\n")
        lines, error = self.to_the_end()
        assert error is None
        return tree(lines)

    def to_the_end(self) -> tuple[list[str], str | None]:
        """Lines to the empty one, or to one that tells an error: and what that says."""
        lines: list[str] = []
        for _ in range(100_000):
            try:
                text = self.line()
            except Timeout:
                continue
            if text == "\n":
                return lines, None
            if found := FAILED.match(text):
                return lines, found[1] + found[2].strip()
            lines.append(text)
        raise AssertionError("the output of a script does not end")


def tree(lines: Iterable[str]) -> Loop:
    """What a script sent; a single loop by itself stands for the whole."""
    whole = Loop()
    open_loops = [whole]
    for line in (line.rstrip("\n") for line in lines):
        if line[:1] in BEGIN:
            assert re.fullmatch(r"[MC][0-9a-fA-F]{4}|L", line), line
            loop = Loop(line[0])
            open_loops[-1].content.append(loop)
            open_loops.append(loop)
        elif line[:1] and line[:1] in END:
            loop = open_loops.pop()
            assert open_loops, "more loops end than began"
            assert BEGIN[loop.mark] == line[0]
            if not loop.content:
                open_loops[-1].content.remove(loop)
        elif line[:1] == "P":
            open_loops[-1].content.append(tuple(variable(text) for text in line[1:].split(";")))
    assert open_loops == [whole], "not every loop has ended"
    return whole.loops[0] if len(whole.loops) == 1 and not whole.packages else whole


def variable(text: str) -> Value:
    assert len(text) >= 10, text
    metadata: dict[str, int] = {}
    for token in text.split(",")[1:]:
        if len(token) == 2 and token[0] == "1":
            metadata["status"] = int(token[1], 16)
        if len(token) == 3 and token[0] == "2":
            metadata["range"] = int(token[1:], 16)
    number = math.nan if text[2:10] == "     nan" else (int(text[2:9], 16) - 2**27) * PREFIXES[text[9]]
    return Value(text[:2], number, metadata)


async def on_simulator(program: Callable[[Example], None], options: Mapping[str, object] | None = None) -> None:
    """Run the program in a thread, on a pseudo-terminal of its own."""
    settings = simulator.Options.model_validate({"noise": 0, **(options or {})})
    device = simulator.EmStatPico(settings, None, LoopClock(asyncio.get_running_loop(), SCALE), seed=1)
    async with PtyServer(device) as server, asyncio.timeout(30):
        example = Example(server.path)
        try:
            await asyncio.to_thread(program, example)
        finally:
            example.close()


SET_UP = """
e
var c
var p
set_pgstat_mode 2
set_max_bandwidth 40
set_range ba 100u
set_autoranging ba 1n 100u
set_e -100m
cell_on
# the range is found before
meas_loop_ca p c -100m 100m 1
endloop
"""
POINT = "\n\tpck_start\n\tpck_add p\n\tpck_add c\n\tpck_end\nendloop\n"
OFF = "on_finished:\ncell_off\n"
"""The beginning and end of its examples of voltammetry: a loop that sends nothing, then the one that does."""


@pytest.mark.parametrize(
    ("model", "code"), [("EmStat Pico", "espico"), ("EmStat4 LR", "es4_lr"), ("EmStat4 HR", "es4_hr")]
)
async def test_it_finds_out_what_it_speaks_to(model: str, code: str) -> None:
    def program(example: Example) -> None:
        assert example.abort() == "Z!0006\n"
        assert example.firmware().startswith(code)
        assert re.fullmatch(r"[0-9.]+", example.ask("v"))
        assert example.ask("i") == "ESPI2201"

    await on_simulator(program, {"model": model})


async def test_it_measures_a_voltammogram() -> None:
    def program(example: Example) -> None:
        curve = example.run(f"{SET_UP}meas_loop_cv p c -100m 600m -100m 10m 100m{POINT}{OFF}")
        assert curve.mark == "M"
        potentials = curve.column(0)
        assert potentials == pytest.approx(
            [*(n / 100 for n in range(-10, 61)), *(n / 100 for n in range(59, -11, -1))], abs=1e-9
        )
        assert {value.type for package in curve.packages for value in package} == {"da", "ba"}
        assert all({"status", "range"} <= package[1].metadata.keys() for package in curve.packages)
        currents = curve.column(1)
        assert max(currents) > 0 > min(currents)

    await on_simulator(program)


async def test_it_measures_voltammograms_of_several_scans() -> None:
    def program(example: Example) -> None:
        curves = example.run(f"{SET_UP}meas_loop_cv p c -100m 600m -100m 10m 100m nscans(3){POINT}{OFF}")
        assert [loop.mark for loop in curves.loops] == ["C", "C", "C"]
        assert not curves.packages
        assert all(len(loop.packages) in (140, 141) for loop in curves.loops)

    await on_simulator(program)


async def test_it_measures_square_waves_there_and_back() -> None:
    def program(example: Example) -> None:
        send = "\n\tpck_start\n\tpck_add p\n\tpck_add c\n\tpck_add f\n\tpck_add r\n\tpck_end\nendloop\n"
        set_up = SET_UP.replace(
            "var p\n",
            "var p\nvar f\nvar r\nvar i\nstore_var i 0i ja\nset_pgstat_chan 1\nset_pgstat_mode 0\nset_pgstat_chan 0\n",
        )
        there = f"meas_loop_swv p c f r -100m 600m 10m 50m 5{send}"
        back = f"meas_loop_swv p c f r 600m -100m 10m 50m 5{send}"
        curves = example.run(f"{set_up}{there}{back}{OFF}")
        assert [len(loop.packages) for loop in curves.loops] == [71, 71]
        for loop in curves.loops:
            for package in loop.packages:
                _, net, forward, reverse = (value.value for value in package)
                assert net == pytest.approx(forward - reverse, abs=3e-12)

    await on_simulator(program)


async def test_it_measures_normal_pulses() -> None:
    def program(example: Example) -> None:
        curve = example.run(f"{SET_UP}meas_loop_npv p c -100m 600m 10m 20m 100m{POINT}{OFF}")
        currents = curve.column(1)
        assert len(currents) == 71
        assert max(currents) == pytest.approx(currents[-1], rel=0.02), "a wave: every pulse begins at rest"

    await on_simulator(program)


async def test_it_measures_with_variables_for_arguments() -> None:
    def program(example: Example) -> None:
        script = """
            e
            var potential
            var current
            var dc_potential
            var time_interval
            var time_run
            var t
            store_var dc_potential 400m ja
            store_var time_interval 100m ja
            store_var time_run 2 ja
            set_pgstat_chan 0
            set_pgstat_mode 2
            set_max_bandwidth 60
            set_range_minmax da dc_potential dc_potential
            set_range ba 100u
            set_autoranging ba 50n 2m
            set_e dc_potential # when the cell turns on
            cell_on
            timer_start
            meas_loop_ca potential current dc_potential time_interval time_run
                timer_get t
                pck_start
                pck_add t
                # pck_add potential
                pck_add current
                pck_end
            endloop
            on_finished:
                cell_off
        """
        trace = example.run(script)
        assert trace.column(0) == pytest.approx([n / 10 for n in range(1, 21)], abs=0.01)
        assert trace.column(1) == sorted(trace.column(1), reverse=True)

    await on_simulator(program)


EIS = """
e
var f
var r
var j
set_pgstat_chan 0
set_pgstat_mode 3
set_max_bandwidth 200k
set_range_minmax da 0 0
set_range ba 2m
set_autoranging ba 59n 2m
set_range ab 4
set_autoranging ab 4 4
cell_on
meas_loop_eis f r j 15m 100k 100 11 0m
\tpck_start
\tpck_add f
\tpck_add r
\tpck_add j
\tpck_end
endloop
on_finished:
cell_off
"""


@pytest.mark.parametrize("script", [EIS, EIS.replace("set_range ba 2m\nset_autoranging ba 59n 2m", "set_cr 500u")])
async def test_it_measures_impedances(script: str) -> None:
    def program(example: Example) -> None:
        spectrum = example.run(script)
        assert spectrum.column(0) == pytest.approx([1e5 / 10 ** (0.3 * n) for n in range(11)], rel=1e-5)
        assert [value.type for value in spectrum.packages[0]] == ["dc", "cc", "cd"]
        assert all(real > 0 > imaginary for real, imaginary in zip(spectrum.column(1), spectrum.column(2), strict=True))

    await on_simulator(program)


async def test_it_records_the_waves_behind_impedances() -> None:
    script = """
        e
        var f
        var r
        var j
        var i
        var n
        var s
        array u 4096
        array c 4096
        set_pgstat_chan 0
        set_pgstat_mode 3
        set_max_bandwidth 200k
        set_range ba 59m
        set_autoranging ba 59n 59m
        cell_on
        meas_loop_eis f r j 15m 10k 10 4 0m eis_tdd(u c n s 0)
            pck_start
            pck_add f
            pck_add r
            pck_add j
            pck_add s
            pck_end
            store_var i 0i ja
            loop i < n
                pck_start
                pck_add u[i]
                pck_add c[i]
                pck_end
                add_var i 1i
            endloop
        endloop
        on_finished:
        cell_off
    """

    def program(example: Example) -> None:
        spectrum = example.run(script)
        assert len(spectrum.packages) == len(spectrum.loops) == 4
        for package, wave in zip(spectrum.packages, spectrum.loops, strict=True):
            frequency, real, imaginary, rate = (value.value for value in package)
            assert [value.type for value in wave.packages[0]] == ["ce", "cf"]
            assert at(frequency / rate, wave.column(0)) / at(frequency / rate, wave.column(1)) == pytest.approx(
                complex(real, imaginary), rel=0.01
            )

    await on_simulator(program, {"model": "EmStat4 HR"})


def at(frequency: float, samples: list[float]) -> complex:
    """The wave's Fourier component; the frequency is in periods a sample."""
    return sum(sample * cmath.exp(-2j * math.pi * frequency * n) for n, sample in enumerate(samples)) / len(samples)


async def test_it_aborts_what_runs_and_goes_on() -> None:
    def program(example: Example) -> None:
        script = f"{SET_UP}meas_loop_ca p c 500m 1 5000{POINT}{OFF}"
        for line in (*script.strip().splitlines(), ""):
            example.write(line + "\n")
        for _ in range(10):
            example.line()
        assert example.abort() == "Z\n"
        assert example.ask("i") == "ESPI2201"
        assert len(example.run(f"{SET_UP}meas_loop_ca p c 500m 100m 1{POINT}{OFF}").packages) == 10

    await on_simulator(program)


async def test_it_is_told_what_a_script_does_wrong() -> None:
    def program(example: Example) -> None:
        for script, error in (
            ("e\nvar p\nfoo 1\n\n", "4001: Line 2, Col 4"),
            ("e\nset_pgstat_mode 2\nset_e 3\ncell_on\n\n", "000F: Line 2"),
        ):
            example.write(script)
            assert example.to_the_end()[1] == error
            example.abort()
            assert example.ask("i") == "ESPI2201"

    await on_simulator(program)
