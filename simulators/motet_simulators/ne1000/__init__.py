"""A simulated New Era NE-1000 syringe pump, byte by byte, in basic and in safe mode.

Packets, prompts, alarms and errors are those of the NE-1000 user manual, read in excerpts (publication 1200-01, 2014,
sections 10.2 and 10.3, pp. 32-40); its modules `wire`, `commands` and `program` say where the rest is from. That a pump
in basic mode understands a safe packet, and answers `SAF` in the mode it changes to, also with an alarm, is what the
published driver nesp-lib expects. Could not be verified: what a pump answers to text without a packet in safe mode
(here: nothing), and when the counters of `DIS` roll over (here: at 10000).

Not simulated: triggers by TTL inputs (they stay high), the keypad, reciprocating pumps.
"""

import math
import re
from collections.abc import Callable
from typing import ClassVar

from pydantic import Field, model_validator

from motet.contracts.simulation import Clock, Timer
from motet.contracts.worlds import World
from motet.simulation import Faults, SimulatedInstrument
from motet_simulators.ne1000.commands import Commands, Settings
from motet_simulators.ne1000.program import Plunger, Program
from motet_simulators.ne1000.wire import BURST, ETX, STX, Packet, Refused, framed, take

INTER_BYTE_S = 0.5
"""An unfinished safe packet is dropped after so long (section 10.2.3)."""
_TICKS, _SHORTEST_TICK_S, _LONGEST_TICK_S = 40, 0.2, 60.0


class Options(Faults):
    """The pump, the syringe that is mounted on it, and how well it meters."""

    address: int = Field(default=0, ge=0, le=99)
    """Network address."""
    model: str = "1000"
    """The model number that it tells."""
    firmware: str = "3.923"
    """The firmware version that it tells."""
    delivers: str = "liquid"
    """The quantity of the world that infused volumes are added to (mL), and withdrawn ones taken from."""
    capacity: float = Field(default=60.0, gt=0)
    """Volume of the syringe, mL: withdrawing more stalls the motor."""
    contents: float = Field(default=60.0, ge=0)
    """What is in it at first, mL: infusing more stalls the motor."""
    diameter: float | None = Field(default=None, gt=0)
    """Its true inner diameter, mm; left out: what the pump is told."""
    set_diameter: float = Field(default=26.59, ge=0.1, le=50.0)
    """The diameter in the pump's memory at first, mm."""
    volume_bias: float = Field(default=0.0, gt=-1)
    """Relative error of every volume: 0.01 for 1 % too much."""
    volume_error: float = Field(default=0.0, ge=0, lt=1)
    """Standard deviation of each delivery's own relative error."""
    fastest: float = Field(default=5.1005, gt=0)
    """Highest speed of the plunger, cm/min (section 12.5)."""
    slowest: float = Field(default=0.004205, gt=0)
    """Lowest speed of the plunger, cm/h (section 12.5)."""
    just_powered: bool = True
    """The first command is answered with the alarm of a reset, as after power-on."""

    @model_validator(mode="after")
    def _fits(self) -> "Options":
        if self.contents > self.capacity:
            raise ValueError(f"contents {self.contents:g} mL do not fit into a syringe of {self.capacity:g} mL")
        return self


class Ne1000(SimulatedInstrument):
    """A New Era NE-1000 with a syringe that delivers into its world.

    Faults: `error` refuses a RUN with ?IGN, `stall` stops the motor half way (after 1 s without a volume target),
    `stuck` at once, `wrong_address` answers in the name of another pump.
    """

    terminator: ClassVar[bytes] = bytes([ETX])

    def __init__(self, options: Options, world: object, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self._options = options
        self._world = world if isinstance(world, World) and options.delivers in world.takes else None
        self.delivered = 0.0
        """What has come out of the syringe so far less what went in, mL."""
        self.alarm: str | None = "R" if options.just_powered else None
        self.settings = Settings(options.address, options.set_diameter)
        self.plunger = Plunger(options.contents, options.capacity, self._deliver)
        self.program = Program(self.plunger, self._begins, self._alarmed)
        self.program.units = self.settings.volume_units
        version = f"NE{options.model}V{options.firmware}"
        self._commands = Commands(
            self.settings, self.program, clock.now, self._rates, lambda: self.fault("error"), version
        )
        self._deadline = math.inf
        self._buffer = bytearray()
        self._ticking: Timer | None = None
        self._unfinished: Timer | None = None

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The line is open."""
        super().attach(send)
        self._buffer.clear()
        self.update()

    def receive(self, data: bytes) -> None:
        """Bytes from the host: commands that end with CR, and safe packets."""
        self._buffer += data
        if self._unfinished is not None:
            self._unfinished.cancel()
            self._unfinished = None
        self.update()
        while (packet := take(self._buffer)) is not None:
            self._received(packet)
        if self._buffer and self._buffer[0] == STX:
            self._unfinished = self.later(INTER_BYTE_S, self._buffer.clear)
        self.update()

    def update(self) -> None:
        """Bring everything up to now, and see to it that the world hears of what goes on meanwhile."""
        now = self.clock.now()
        if now >= self._deadline:
            self.program.advance(self._deadline)
            self._deadline = math.inf
            self.program.halt()
            self._alarmed("T")
        self.program.advance(now)
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        seconds = min(self._deadline - now, self._tick() if self.program.running else math.inf)
        if self.attached and math.isfinite(seconds):
            self._ticking = self.later(max(seconds, 1e-3), self.update)

    def _received(self, packet: Packet) -> None:
        if self.settings.safe_timeout and not packet.safe:
            return
        if BURST.fullmatch(packet.text):
            for command in packet.text.rstrip("*").split("*"):
                if int(command[0]) == self.settings.address:
                    self._answered(command[1:])
            return  # all pumps would answer at once: nobody could read that
        match = re.fullmatch(r"([0-9]{1,2}|\*)?(.*)", packet.text, re.DOTALL)
        assert match is not None
        system = match[1] == "*"
        if not system and int(match[1] or 0) != self.settings.address:
            return
        reply = f"{self.program.state}?COM" if packet.spoilt else self._answered(match[2], system=system)
        if not packet.spoilt:
            self._deadline = self.clock.now() + self.settings.safe_timeout if self.settings.safe_timeout else math.inf
        address = self.settings.address
        if self.fault("wrong_address"):
            address = (address + 1) % 100
        self.answer(framed(f"{address:02d}{reply}", safe=self.settings.safe_timeout > 0), packet.raw)

    def _answered(self, command: str, *, system: bool = False) -> str:
        """Status and data; a pending alarm is told instead, and acknowledged by that (section 10.3)."""
        alarm, self.alarm = self.alarm, None
        if alarm is not None and not command.startswith("SAF"):
            return f"A?{alarm}"
        try:
            data = self._commands.do(command, system=system)
        except Refused as refused:
            data = f"?{refused}"
        return f"{self.program.state}{data}" if alarm is None else f"A?{alarm}"

    def _rates(self) -> tuple[float, float]:
        return self.settings.rates(self._options.slowest, self._options.fastest)

    def _begins(self, target: float) -> float:
        """A delivery begins: draw its error. Gives after how much the motor stalls, mL."""
        options = self._options
        self.plunger.geometry = ((options.diameter or self.settings.diameter) / self.settings.diameter) ** 2
        self.plunger.accuracy = 1 + options.volume_bias + self.random.gauss(0.0, options.volume_error)
        if self.fault("stuck"):
            return 0.0
        if self.fault("stall"):
            return target / 2 if math.isfinite(target) else self._rates()[1] / 60
        return math.inf

    def _deliver(self, volume: float) -> None:
        self.delivered += volume
        if self._world is not None and volume:
            self._world.add(self._options.delivers, volume)

    def _alarmed(self, alarm: str) -> None:
        self.alarm = alarm
        if self.settings.safe_timeout:  # told at once; that does not acknowledge it (section 10.2.3)
            self.say(framed(f"{self.settings.address:02d}A?{alarm}", safe=True))

    def _tick(self) -> float:
        event = self.program.next_event()
        return min(event, max(_SHORTEST_TICK_S, min(event / _TICKS, _LONGEST_TICK_S)))
