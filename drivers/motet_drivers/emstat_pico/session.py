"""The conversation with a MethodSCRIPT instrument: who it is, scripts and their output, aborting.

Communication protocol for EmStat Pico v1.6 and for EmStat4 v1.3 (commands `t`, `i`, `e`, `Z`; ch. 8: after an error the
instrument hears nothing for up to 100 ms). A script that runs is aborted as in PalmSens' own example (instrument.py of
MethodSCRIPT_Examples): the end of a line that was begun, `Z`, then its output is read to the empty line at its end;
an empty line before `Z` ends a script of which only a part had come.
"""

import asyncio
import itertools
import re
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass

from motet.errors import GarbledReply, InstrumentError, NoReply, Retryable
from motet.lines import Line
from motet_drivers.emstat_pico.packages import Variable, check_line, fault_in, package, text_of
from motet_drivers.emstat_pico.script import CELL_OFF, Script

_DEAF_S = 0.1
"""So long the instrument may hear nothing after it reported an error."""
_MARGIN = 1.2
"""A script may take so many times as long as it should."""
_LATE = 1.5
"""Between two packages there are at most so many intervals, unless one was lost."""
_FIRMWARE = re.compile(r"t([a-z0-9_]{5,6})(\d{2}|\d{4})#.*")


@dataclass(frozen=True, slots=True)
class Firmware:
    """What `t` gives: the device's code and the version."""

    code: str
    version: str


@dataclass(frozen=True, slots=True)
class Row:
    """One package, and in which scan of several it came, from 1."""

    scan: int
    variables: tuple[Variable, ...]


class Session:
    """One instrument on its line. `scale` is lab seconds a second of the loop."""

    def __init__(self, line: Line, scale: float) -> None:
        self._line = line
        self._scale = scale
        self._busy = asyncio.Lock()
        self._stops = 0
        self._reading: asyncio.Timeout | None = None
        self._patience = line.timeout
        self._deaf_until = 0.0
        self._longest_gap = 0.0

    async def firmware(self) -> Firmware:
        """Who answers. Lines of a script that still runs are passed over. Raises NoReply, GarbledReply."""
        async with self._busy:
            for _ in range(self._line.retries):
                with suppress(NoReply, GarbledReply):
                    return await self._ask_firmware()
            return await self._ask_firmware()

    async def serial_number(self) -> str:
        """The serial number. Nothing may be running."""
        async with self._busy:
            return await self._line.query(b"i\n", _serial_number)

    async def run(self, script: Script) -> list[Row]:
        """Execute a script; what it sent. The cell is off afterwards.

        Raises InstrumentError for a refusal, an error while it runs and a `stop`, NoReply when it takes too long,
        GarbledReply when a package is unreadable or missing, LineLost.
        """
        stops = self._stops
        async with self._busy:
            self._check_not_stopped(stops)
            longest = _MARGIN * script.seconds / self._scale + 2 * self._patience
            try:
                async with asyncio.timeout(longest) as self._reading:
                    rows = _complete(self._line, script, await self._execute(script))
            except TimeoutError:
                self._check_not_stopped(stops)  # then `stop` halts the script, as soon as this has ended
                await self._halt_quietly()
                raise NoReply(f"{self._line}: a measurement did not end within {longest:.3g} s") from None
            except BaseException:
                await self._halt_quietly()
                raise
            finally:
                self._reading = None
            return rows

    async def stop(self) -> None:
        """Abort the script that runs, whose `run` ends with InstrumentError, and switch the cell off."""
        self._stops += 1
        if self._reading is not None:
            self._reading.reschedule(asyncio.get_running_loop().time())
        async with self._busy:
            await self._halt()

    async def _halt_quietly(self) -> None:
        with suppress(Retryable):  # the first error says more
            await self._halt()

    async def _halt(self) -> None:
        for _ in range(self._line.retries):
            with suppress(NoReply, GarbledReply):
                return await self._halt_once()
        return await self._halt_once()

    async def _halt_once(self) -> None:
        """Abort what may be running and read it to its end; then switch the cell off: after an error of a script,
        what follows `on_finished:` has not run."""
        await self._send(b"\n\nZ\n")
        running = False
        async with aclosing(self._lines(self._longest_gap)) as lines:
            async for text in lines:
                if fault_in(text) is not None:
                    self._deafened()
                if text.startswith("Z!") or (running and not text):
                    break
                running = running or text == "Z"
        self._longest_gap = 0.0
        await self._execute(CELL_OFF)

    async def _execute(self, script: Script) -> list[Row]:
        """Send a script and read what it sends, to the empty line at its end."""
        self._longest_gap = script.gap
        await self._send(script.data)
        rows: list[Row] = []
        scan = 1
        async with aclosing(self._lines(script.gap)) as lines:
            begun = ended = False
            async for text in lines:
                self._check_fault(text, script)
                with self._telling_where():
                    check_line(text)
                if not begun:
                    if text != "e":
                        raise GarbledReply(f"{self._line}: {text[:40]!r} came in answer to a script, not `e`")
                    begun = True
                elif not text:
                    ended = True
                    break
                elif text[0] == "C":
                    scan += bool(rows)
                elif text[0] == "P":
                    with self._telling_where():
                        rows.append(Row(scan, package(text)))
            if not ended:
                raise NoReply(f"{self._line}: the output of a script did not end")
        self._longest_gap = 0.0
        return rows

    def _check_fault(self, text: str, script: Script) -> None:
        fault = fault_in(text)
        if fault is None:
            return
        self._deafened()
        lines = script.lines
        command = f" ({lines[fault.line - 1]})" if fault.line and fault.line <= len(lines) else ""
        what = "the script was refused" if fault.command else "the script failed"
        raise InstrumentError(f"{self._line}: {what}: {fault}{command}")

    async def _ask_firmware(self) -> Firmware:
        await self._send(b"t\n")
        others: list[str] = []
        found: Firmware | None = None
        try:
            async with asyncio.timeout(self._patience), aclosing(self._lines(0.0)) as lines:
                async for text in lines:
                    if match := _FIRMWARE.search(text):
                        found = Firmware(match[1], _version(match[2]))
                    elif found is not None and text.endswith("*"):
                        return found
                    else:
                        others.append(text)
        except TimeoutError:
            pass
        if not others:
            raise NoReply(f"{self._line}: a reply to b't\\n' did not come within {self._patience:g} s")
        raise GarbledReply(f"{self._line}: {others[0][:40]!r} came in answer to `t`, not a version of firmware")

    async def _lines(self, gap: float) -> AsyncGenerator[str]:
        """Lines as they come, each at most `gap` lab seconds and the line's own patience after the one before."""
        frames = self._line.frames()
        self._line.timeout = self._patience + _MARGIN * gap / self._scale
        try:
            async for frame in frames:
                with self._telling_where():
                    text = text_of(frame)
                yield text
        finally:
            self._line.timeout = self._patience
            await frames.aclose()

    @contextmanager
    def _telling_where(self) -> Generator[None]:
        try:
            yield
        except GarbledReply as error:
            raise GarbledReply(f"{self._line}: {error}") from error

    async def _send(self, data: bytes) -> None:
        """Nothing may be awaited between this and reading: frames that have come before are passed over then."""
        deaf = self._deaf_until - asyncio.get_running_loop().time()
        if deaf > 0:
            await asyncio.sleep(deaf)
        await self._line.send(data)

    def _deafened(self) -> None:
        self._deaf_until = asyncio.get_running_loop().time() + _DEAF_S / self._scale

    def _check_not_stopped(self, stops: int) -> None:
        if self._stops != stops:
            raise InstrumentError(f"{self._line}: stopped in the middle of a measurement")


def _complete(line: Line, script: Script, rows: list[Row]) -> list[Row]:
    """The rows without repeated ones. Raises GarbledReply when one is missing or has other variables than it should."""
    once = [row for n, row in enumerate(rows) if n == 0 or row.variables != rows[n - 1].variables]
    for row in once:
        types = tuple(variable.type for variable in row.variables)
        if types != script.columns:
            raise GarbledReply(f"{line}: a package has {', '.join(types)}, not {', '.join(script.columns)}")
    if len(once) < script.points:
        raise GarbledReply(f"{line}: {len(once)} packages came, at least {script.points} were to come")
    if script.interval is not None:
        for one, other in itertools.pairwise(once):
            passed = other.variables[0].value - one.variables[0].value
            if not 0 < passed < _LATE * script.interval:
                raise GarbledReply(
                    f"{line}: {passed:.3g} s between two packages, not {script.interval:.3g} s: one was lost"
                )
    return once


def _serial_number(frame: bytes) -> str:
    text = text_of(frame)
    if not text.startswith("i") or len(text) < 2 or "!" in text:
        raise GarbledReply(f"{text[:40]!r} is no serial number")
    return text[1:]


def _version(digits: str) -> str:
    """`1.3` from 13, `1.3.2` from 1302."""
    return ".".join((digits[0], digits[1], *([str(int(digits[2:]))] if len(digits) > 2 else [])))
