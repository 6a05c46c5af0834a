"""Real processes, each in a group of its own: what they say, and what is done to them."""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

LOOK_S = 0.02
"""How often something is looked at that cannot tell by itself when it changes, seconds."""
_KEPT = 400
"""Last lines of a process that are kept in memory."""


class TooLate(Exception):
    """What was waited for has not happened within its time."""


async def until(look: Callable[[], T | None], what: str, within: float, every: float = LOOK_S) -> T:
    """What `look` gives, in a thread, once it is neither None nor false. Raises TooLate after `within` seconds."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + within
    while True:
        found = await asyncio.to_thread(look)
        if found:
            return found
        if loop.time() >= ends:
            raise TooLate(f"{what}: not within {within:g} s")
        await asyncio.sleep(every)


class Program:
    """One process with whatever it starts. Made by `started`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.lines: deque[str] = deque(maxlen=_KEPT)
        self._process = process
        self._log = log
        self._said = asyncio.Condition()
        self._read = asyncio.create_task(self._listen(), name=f"lines of {name}")

    @property
    def pid(self) -> int:
        """The process's id, which is its group's too."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.returncode is None

    def signal(self, number: int) -> None:
        """Send a signal to the whole group; one that has ended is left alone."""
        if self.alive:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    async def kill(self) -> None:
        """SIGKILL: it has no chance to do anything. It is gone when this returns."""
        self.signal(signal.SIGKILL)
        await self.ended(10)

    def freeze(self) -> None:
        """SIGSTOP: it stays, and does nothing until `thaw`."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.signal(signal.SIGCONT)

    async def ended(self, within: float) -> int:
        """Its exit code, when it has ended and all that it said was read. Raises TooLate."""
        try:
            async with asyncio.timeout(within):
                code = await self._process.wait()
                await asyncio.shield(self._read)
        except TimeoutError:
            raise TooLate(f"{self.name} has not ended within {within:g} s{self.last}") from None
        return code

    async def says(self, text: str, within: float) -> str:
        """The first line with that text among those that are kept or come. Raises TooLate, also when it ends before."""
        try:
            async with asyncio.timeout(within), self._said:
                while (line := next((line for line in self.lines if text in line), None)) is None:
                    if self._read.done():
                        raise TooLate(f"{self.name} has ended without saying {text!r}{self.last}")
                    await self._said.wait()
                return line
        except TimeoutError:
            raise TooLate(f"{self.name} has not said {text!r} within {within:g} s{self.last}") from None

    async def counted(self, text: str, times: int, within: float) -> None:
        """Wait until so many of the lines kept have that text, or until it has ended. Raises TooLate."""
        try:
            async with asyncio.timeout(within), self._said:
                while sum(text in line for line in self.lines) < times and not self._read.done():
                    await self._said.wait()
        except TimeoutError:
            raise TooLate(f"{self.name} has not said {text!r} {times} times within {within:g} s{self.last}") from None

    async def close(self) -> None:
        """Make sure that nothing of it is left."""
        self.thaw()
        self.signal(signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)  # what it has started, when it has ended itself
        await self._process.wait()
        await self._read

    @property
    def last(self) -> str:
        """Its last lines, to be put behind a message."""
        return "".join(f"\n    {line}" for line in list(self.lines)[-12:])

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._log.open("ab") as log:
            while line := await self._process.stdout.readline():
                log.write(line)
                log.flush()
                async with self._said:
                    self.lines.append(line.decode(errors="replace").rstrip())
                    self._said.notify_all()
        async with self._said:
            self._said.notify_all()


class Programs:
    """What was started; all of it is gone when `running` is left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[Program] = []

    async def start(self, name: str, *command: str, environment: Mapping[str, str] | None = None) -> Program:
        """Start a command in the folder, with both of its outputs in `NAME.log`."""
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200", **(environment or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=2**20,
        )
        program = Program(name, process, self.folder / f"{name}.log")
        self.started.append(program)
        return program

    async def motet(self, name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Program:
        """Start `motet` with the plugins of the torture's labs."""
        return await self.start(
            name, sys.executable, "-m", "motet_torture.command", *arguments, environment=environment
        )

    async def python(self, name: str, module: str, *arguments: str) -> Program:
        """Start a module."""
        return await self.start(name, sys.executable, "-m", module, *arguments)


@asynccontextmanager
async def running(folder: Path) -> AsyncGenerator[Programs]:
    """Programs that work in a folder, which is made."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    programs = Programs(folder)
    try:
        yield programs
    finally:
        await asyncio.gather(*(program.close() for program in programs.started))
