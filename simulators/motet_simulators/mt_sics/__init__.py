"""A simulated Mettler-Toledo balance with MT-SICS levels 0 and 1, byte by byte.

Commands and replies are those of the reference manuals "MT-SICS Interface Commands for Weigh Modules" (11781363:
sections 2.1.2 formats of replies, 2.1.3 errors, 2.2 tips for programmers, 3 commands) and "MT-SICS for Excellence
balances" (11780711: sections 3.2, 4.1 level 0, 4.2 level 1), as operating instructions of Mettler-Toledo quote them
and as the published drivers mettler_toledo_device, PyLabRobot (run on a WXS205SDU) and labmcp transcribe them.

- A weight is `S S     100.00 g`: identification, status (S stable, D dynamic), the value in ten characters, the unit.
- `I` is for what cannot be done now (another command is under way, or no stable weight in time), `L` for a wrong
  parameter, `+` and `-` for too much and too little; `ES` for what is no command, `ET` for damaged bytes.
- `@` ends whatever waits or repeats, is always carried out, keeps the tare and answers like I4; this answer is also
  what a balance says by itself when it is switched on.
- `SIR` and `SR` repeat until S, SI, SIR, SR or @.

Not simulated: other units than g, keys that are pressed, the display, adjustment and what else is of level 2 and 3.
Could not be verified: by how many digits the capacity may be exceeded (9 here), from which load on a missing pan is
reported (-5 % of the capacity here), and that a command for a weight is answered with `I` while another one waits.
"""

import re
from collections.abc import Callable
from typing import ClassVar

from pydantic import Field

from motet.contracts.simulation import Clock, Timer
from motet.contracts.worlds import World
from motet.simulation import SimulatedInstrument
from motet_simulators.mt_sics.cell import Cell, CellOptions
from motet_simulators.mt_sics.scale import Scale

LEVELS = {
    0: ("@", "I0", "I1", "I2", "I3", "I4", "I5", "S", "SI", "SIR", "Z", "ZI"),
    1: ("D", "DW", "K", "SR", "T", "TA", "TAC", "TI"),
    2: ("M21",),
}
"""Every command by level, as I0 lists them. The unit, M21, is the one of level 2: PyLabRobot sets it at connection."""
_LONGEST = 200
"""More bytes than any command has."""
_PRESET_PART, _PRESET_DIGITS = 0.125, 30
"""By how much a weight must change for SR to tell: this part of the last one, at least so many digits."""
_MASS = re.compile(r"(\d+(?:\.\d*)?) (\S+)")


class Options(CellOptions):
    """The balance: what it is, how good it is, what lies on it."""

    reads: str = "mass"
    """The quantity of the world that lies on the pan, g."""
    load: float = 0.0
    """What lies on the pan where the world has no such quantity, g."""
    model: str = "XS204 Excellence"
    serial_number: str = "1126493049"
    software: str = "2.10 10.28.0.493.142"
    """Version and type definition number."""
    software_id: str = "12121306C"
    rate: float = Field(default=10.0, gt=0)
    """Readings a second."""
    timeout: float = Field(default=40.0, gt=0)
    """So long the balance waits for a stable weight, s."""
    switched_on: bool = False
    """Whether the host sees it being switched on: it then says its serial number by itself."""


class MtSics(SimulatedInstrument):
    """A balance whose pan carries the mass of its world; without one, what `load` says."""

    terminator: ClassVar[bytes] = b"\r\n"

    def __init__(self, options: Options, world: object | None, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self._options = options
        self._world = world if isinstance(world, World) and options.reads in world.reads else None
        self.load = options.load
        """What lies on the pan without a world, g."""
        cell = Cell(options, self.on_pan, clock.now, self.random, lambda: self.fault("stuck") is not None)
        self._scale = Scale(options, cell, self.drift)
        self._to_announce = options.switched_on
        self._buffer = b""
        self._waiting: Timer | None = None
        self._repeating: Callable[[], None] | None = None
        self._repeat_timer: Timer | None = None
        self._commands: dict[str, Callable[[str, bytes], None]] = {
            "@": self._reset, "S": self._stable, "SI": self._now, "SIR": self._repeat, "SR": self._on_change,
            "Z": self._stable, "ZI": self._at_once, "T": self._stable, "TI": self._at_once, "TA": self._tare_value,
            "TAC": self._clear_tare, "I0": self._list,
            **dict.fromkeys(("D", "DW", "K", "M21"), self._parameters_only),
        }  # fmt: skip

    def on_pan(self) -> float:
        """What lies on the pan now, g."""
        return self.load if self._world is None else self._world.read(self._options.reads)

    def net(self) -> float:
        """What it would show if it were settled and without noise, g."""
        return self._scale.gross() - self._scale.tare

    @property
    def idle(self) -> bool:
        """Whether no command waits or repeats."""
        return self._waiting is None and self._repeating is None

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The line is open; what repeats goes on."""
        super().attach(send)
        self._buffer = b""
        if self._to_announce:
            self._to_announce = False
            self.say(self._identity("I4") + b"\r\n")
        if self._repeating is not None:
            self._again()

    def detach(self) -> None:
        """The line is closed: what waits for a stable weight is given up, what repeats pauses."""
        super().detach()
        self._waiting = self._repeat_timer = None

    def receive(self, data: bytes) -> None:
        """Bytes from the host: commands ended by CR LF."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        self._buffer = self._buffer[-_LONGEST:]
        for line in lines:
            self._line(line.rstrip(b"\r"))

    def _line(self, line: bytes) -> None:
        request = line + b"\r\n"
        if not line.isascii():
            self._reply("ET", request)
        if not line or not line.isascii():
            return
        name, _, rest = line.decode("ascii").partition(" ")
        command = self._commands.get(name)
        if command is not None:
            command(name + " " + rest if rest else name, request)
        elif name in ("I1", "I2", "I3", "I4", "I5") and not rest:
            self._reply(self._identity(name).decode("ascii"), request)
        else:
            self._reply("ES", request)

    def _identity(self, name: str) -> bytes:
        options = self._options
        told = {
            "I1": '"01" "2.30" "2.20" "" ""',
            "I2": f'"{options.model} {options.capacity:.{self._scale.decimals}f} g"',
            "I3": f'"{options.software}"',
            "I4": f'"{options.serial_number}"',
            "I5": f'"{options.software_id}"',
        }
        return f"{name} A {told[name]}".encode("ascii")

    def _list(self, line: str, request: bytes) -> None:
        names = [(level, name) for level, names in LEVELS.items() for name in names]
        lines = [f'I0 {"A" if number == len(names) else "B"} {level} "{name}"' for number, (level, name) in
                 enumerate(names, 1)]  # fmt: skip
        self._reply("\r\n".join(lines), request)

    def _reset(self, line: str, request: bytes) -> None:
        self._end_waiting()
        self._end_repeating()
        self._reply(self._identity("I4").decode("ascii"), request)

    def _stable(self, name: str, request: bytes) -> None:
        """S, Z and T: done at the next stable weight."""
        if name == "S":
            self._end_repeating()
        if not self._free(name, name.partition(" ")[0], request):
            return
        stalled = self.fault("stall") is not None
        deadline = self.clock.now() + self._options.timeout

        def look() -> None:
            self._waiting = None
            if name == "S" and (beyond := self._scale.beyond()):
                self._reply(f"S {beyond}", request)
            elif self._scale.stable and not stalled:
                self._reply(self._at_rest(name), request)
            elif self.clock.now() >= deadline:
                self._reply(f"{name} I", request)
            else:
                self._waiting = self.later(1 / self._options.rate, look)

        look()

    def _at_rest(self, name: str) -> str:
        if name == "S":
            return f"S S {self._scale.written(self._scale.reading())}"
        return self._set_zero("Z", "A") if name == "Z" else self._set_tare("T", "S")

    def _now(self, name: str, request: bytes) -> None:
        self._end_repeating()
        if self._free(name, "S", request):
            self._reply(self._momentary(), request)

    def _momentary(self) -> str:
        scale = self._scale
        beyond = scale.beyond()
        return f"S {beyond}" if beyond else f"S {scale.status} {scale.written(scale.reading())}"

    def _repeat(self, name: str, request: bytes) -> None:
        self._end_repeating()
        if self._free(name, "S", request):
            self._reply(self._momentary(), request)
            self._repeating = lambda: self.say(self._momentary().encode("ascii") + b"\r\n")
            self._again()

    def _on_change(self, line: str, request: bytes) -> None:
        """SR: the stable weight now, then at every change by the preset one moving and one stable weight."""
        self._end_repeating()
        preset = line.partition(" ")[2]
        wanted = _MASS.fullmatch(preset)
        if preset and (wanted is None or wanted[2] != "g"):
            self._reply("S L", request)
            return
        if not self._free("SR", "S", request):
            return
        last, moving = 0.0, True

        def look() -> None:
            nonlocal last, moving
            value = self._scale.reading()
            least = max(_PRESET_DIGITS * self._options.readability, _PRESET_PART * abs(last))
            if moving and self._scale.stable:
                last, moving = value, False
            elif not moving and abs(value - last) >= (float(wanted[1]) if wanted else least):
                moving = True
            else:
                return
            self.say(self._momentary().encode("ascii") + b"\r\n")

        self._repeating = look
        look()
        self._again()

    def _at_once(self, name: str, request: bytes) -> None:
        if self._free(name, name.partition(" ")[0], request):
            status = self._scale.status
            self._reply(self._set_zero(name, status) if name == "ZI" else self._set_tare(name, status), request)

    def _set_zero(self, name: str, status: str) -> str:
        return f"{name} {self._scale.set_zero() or status}"

    def _set_tare(self, name: str, status: str) -> str:
        beyond = self._scale.set_tare()
        return f"{name} {beyond}" if beyond else f"{name} {status} {self._scale.written(self._scale.tare)}"

    def _tare_value(self, line: str, request: bytes) -> None:
        preset = line.partition(" ")[2]
        if preset:
            wanted = _MASS.fullmatch(preset)
            if wanted is None or wanted[2] != "g" or float(wanted[1]) > self._options.capacity:
                self._reply("TA L", request)
                return
            if not self._free("TA", "TA", request):
                return
            self._scale.preset_tare(float(wanted[1]))
        self._reply(f"TA A {self._scale.written(self._scale.tare)}", request)

    def _clear_tare(self, name: str, request: bytes) -> None:
        if self._free(name, name, request):
            self._scale.tare = 0.0
            self._reply("TAC A", request)

    def _parameters_only(self, line: str, request: bytes) -> None:
        """D, DW, K and M21 change nothing that can be seen here; the unit (0: g) is g and stays g."""
        right = re.fullmatch(r'D "[^"]*"|DW|K [1-4]|M21 [01] 0', line) is not None
        self._reply(
            f"{line.split()[0]} {'A' if right else 'L'}" if line != "M21" else "M21 B 0 0\r\nM21 A 1 0", request
        )

    def _free(self, line: str, identification: str, request: bytes) -> bool:
        """Whether a command may be carried out; what may not is answered."""
        if " " in line:
            self._reply("ES", request)
        elif self._waiting is not None or self.fault("error") is not None:
            self._reply(f"{identification} I", request)
        else:
            return True
        return False

    def _again(self) -> None:
        self._repeat_timer = self.later(1 / self._options.rate, self._repeated)

    def _repeated(self) -> None:
        if self._repeating is not None:
            self._repeating()
            self._again()

    def _end_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _end_repeating(self) -> None:
        self._repeating = None
        if self._repeat_timer is not None:
            self._repeat_timer.cancel()
            self._repeat_timer = None

    def _reply(self, text: str, request: bytes) -> None:
        self.answer(text.encode("ascii") + b"\r\n", request)
