"""What a driver adds to its line: round trips beside bare pyserial with the same bytes, and 16 devices at once.

    python benchmarks/instruments.py           every serial driver, about two minutes
    python benchmarks/instruments.py --quick   a short form
    python benchmarks/instruments.py --json    for programs

Simulators run behind pseudo-terminals in a process of their own. A round trip is what one signal of a driver costs on
an event loop that does nothing else; `bare` writes the same requests to the same port with pyserial and reads as many
bytes as were answered. Both in one run, in turns; medians. Then one signal of each of 16 devices is read in a loop, all
at once.
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import serial

from motet.contracts.declarations import Driver, Kind
from motet.devices import Context, Device, Limits
from motet.lines import Capture, Line, SerialOpener, read_capture
from motet.model.lab import SerialLine
from motet.plugins import installed

DEVICES = 16
_SERVE = """
import asyncio, json, sys
from contextlib import AsyncExitStack
from pathlib import Path
from motet.api.simulator import Served, serving
from motet.plugins import installed
async def main(stated):
    async with AsyncExitStack() as stack:
        for one in stated:
            await stack.enter_async_context(serving(Served(**one), installed()))
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
asyncio.run(main(json.loads(sys.argv[1])))
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """A driver with a signal that is read; options as in a lab file."""

    driver: str
    signal: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    simulator: Mapping[str, Any] = field(default_factory=dict[str, Any])
    ends: bytes = b""
    """What its answers end with, where they are not always of one length."""


PROBES = (
    Probe("owis_ps90", "x"),
    Probe("elliptec", "position"),
    Probe("grbl", "x", ends=b"\r\n"),
    Probe("ne1000", "rate", {"diameter": 26.59, "capacity": 60}),
    Probe("cavro_xcalibur", "volume", {"syringe": 1.0}),
    Probe("ika_rct", "plate_temperature"),
    Probe("mt_sics", "mass"),
    Probe("keithley_2450", "voltage", ends=b"\n"),
    Probe("gsv3", "force"),
)
MANY = Probe("owis_ps90", "x")


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """Medians in ms of one signal, which took so many exchanges."""

    driver: str
    signal: str
    exchanges: int
    motet_ms: float
    bare_ms: float

    @property
    def ratio(self) -> float:
        """How many times as long as bare pyserial."""
        return self.motet_ms / self.bare_ms


@asynccontextmanager
async def simulators(stated: Sequence[Mapping[str, Any]]) -> AsyncGenerator[None]:
    """Simulators in a process of their own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _SERVE,
        json.dumps(stated),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if not await process.stdout.readline():
            raise RuntimeError("the simulators did not start")
        yield
    finally:
        process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


@asynccontextmanager
async def device(probe: Probe, port: Path, capture: Capture | None = None) -> AsyncGenerator[Device]:
    """A connected device on a port."""
    driver = cast("Driver", installed().get(Kind.DRIVER, probe.driver))
    options = driver.options.model_validate(dict(probe.options))
    settings = SerialLine.model_validate({**driver.line, "url": str(port)})
    made = cast("Any", driver.make)
    line = Line(probe.driver, SerialOpener(settings), made.framing_for(options), capture=capture)
    found: Device = made(Context(probe.driver, options, Limits(probe.driver, {}), line))
    await found.connect()
    try:
        yield found
    finally:
        await found.close()


def reader(found: Device, signal: str) -> Callable[[], Awaitable[Any]]:
    """What reads a signal."""
    return getattr(found, f"get_{signal}")


async def exchanges(probe: Probe, port: Path, folder: Path) -> list[tuple[bytes, int]]:
    """The requests that reading the signal sends, each with the length of its answer."""
    path = folder / f"{probe.driver}.jsonl"
    capture = Capture(path)
    async with device(probe, port, capture) as found:
        capture.record(0.0, "mark", ">", b"")
        await reader(found, probe.signal)()
        capture.record(0.0, "mark", "<", b"")
    await capture.close()
    asked: list[tuple[bytes, int]] = []
    inside = False
    for record in await asyncio.to_thread(lambda: list(read_capture(path))):
        if record.line == "mark":
            inside = record.dir == ">"
        elif inside and record.dir == ">":
            asked.append((record.bytes, 0))
        elif inside:
            asked[-1] = (asked[-1][0], asked[-1][1] + len(record.bytes))
    return asked


async def round_trip(probe: Probe, count: int) -> RoundTrip:
    """Motet and bare pyserial in turns."""
    with tempfile.TemporaryDirectory() as folder:
        port = Path(folder) / "port"
        stated = {"name": probe.driver, "options": dict(probe.simulator), "pty": str(port), "speed": 1000.0}
        async with simulators([stated]):
            asked = await exchanges(probe, port, Path(folder))
            motet: list[float] = []
            bare: list[float] = []
            for _ in range(5):
                async with device(probe, port) as found:
                    motet += await timed(reader(found, probe.signal), count // 5)
                bare += await asyncio.to_thread(bare_timed, port, asked, probe.ends, count // 5)
    return RoundTrip(
        probe.driver, probe.signal, len(asked), 1000 * statistics.median(motet), 1000 * statistics.median(bare)
    )


async def timed(read: Callable[[], Awaitable[Any]], count: int) -> list[float]:
    """Seconds of each of so many readings, after a few that do not count."""
    for _ in range(20):
        await read()
    taken: list[float] = []
    for _ in range(count):
        started = time.perf_counter()
        await read()
        taken.append(time.perf_counter() - started)
    return taken


def bare_timed(port: Path, asked: Sequence[tuple[bytes, int]], ends: bytes, count: int) -> list[float]:
    """The same exchanges with pyserial alone."""
    taken: list[float] = []
    with serial.Serial(str(port), timeout=5) as line:
        for number in range(count + 20):
            started = time.perf_counter()
            for request, length in asked:
                line.write(request)
                answer = line.read(1 if ends else length)
                while ends and answer and not answer.endswith(ends):
                    answer += line.read(line.in_waiting or 1)
                if not answer or (not ends and len(answer) < length):
                    raise RuntimeError(f"{port}: {request!r} was answered with {answer!r}, not {length} bytes")
            if number >= 20:
                taken.append(time.perf_counter() - started)
    return taken


async def many(probe: Probe, seconds: float) -> float:
    """Commands a second over 16 devices in this process."""
    with tempfile.TemporaryDirectory() as folder:
        ports = [Path(folder) / f"port{number}" for number in range(DEVICES)]
        stated = [{"name": probe.driver, "options": dict(probe.simulator), "pty": str(port)} for port in ports]
        async with simulators(stated[:8]), simulators(stated[8:]), AsyncExitStack() as stack:
            found = [await stack.enter_async_context(device(probe, port)) for port in ports]
            ends = time.perf_counter() + seconds

            async def loop(one: Device) -> int:
                read, done = reader(one, probe.signal), 0
                while time.perf_counter() < ends:
                    await read()
                    done += 1
                return done

            started = time.perf_counter()
            counts = await asyncio.gather(*map(loop, found))
            return sum(counts) / (time.perf_counter() - started)


async def main(quick: bool, as_json: bool, only: Sequence[str]) -> None:
    """Measure and print."""
    count, seconds = (200, 1.0) if quick else (2000, 5.0)
    known = installed().all(Kind.DRIVER)
    probes = [probe for probe in PROBES if probe.driver in known and (not only or probe.driver in only)]
    trips = [await round_trip(probe, count) for probe in probes]
    rate = await many(MANY, seconds)
    if as_json:
        print(json.dumps({"round_trips": [{**asdict(t), "ratio": t.ratio} for t in trips], "devices_16_per_s": rate}))
        return
    print("| driver | signal | exchanges | Motet, ms | bare pyserial, ms | ratio |\n|---|---|---|---|---|---|")
    for t in trips:
        print(f"| {t.driver} | {t.signal} | {t.exchanges} | {t.motet_ms:.3f} | {t.bare_ms:.3f} | {t.ratio:.2f} |")
    print(f"\n{DEVICES} devices at once ({MANY.driver}): {rate:.0f} commands a second")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", nargs="*", default=())
    given = parser.parse_args()
    asyncio.run(main(given.quick, given.json, given.only))
