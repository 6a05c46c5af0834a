"""What a simulated Grbl controller prints (Grbl v1.1 wiki, "Grbl v1.1 Interface")."""

from collections.abc import Callable
from dataclasses import dataclass

from motet_simulators.grbl.parser import MM_PER_INCH, Parser
from motet_simulators.grbl.planner import Vector
from motet_simulators.grbl.settings import AXES, Settings

HELP = "[HLP:$$ $# $G $I $N $x=val $Nx=line $J=line $SLP $C $X $H ~ ! ? ctrl-x]"
_BUSY = frozenset(("Run", "Hold", "Jog", "Home", "Door"))


@dataclass(frozen=True, slots=True)
class Now:
    """What a status report tells of."""

    state: str
    """With its number: Hold:0."""
    position: Vector
    rate: float
    """mm/min."""
    speed: float
    blocks: int
    bytes_free: int
    pins: str
    overrides: tuple[int, int, int]
    accessories: str


class Reports:
    """Makes reports, and counts them: work offset and overrides come in some of them only."""

    def __init__(self, settings: Settings, parser: Parser) -> None:
        self._settings = settings
        self._parser = parser
        self.offset_in = 0
        """So many reports more without the work offset."""
        self.overrides_in = 0

    def status(self, now: Now) -> str:
        """`<Idle|MPos:0.000,0.000,0.000|FS:0,0>`."""
        machine, offset = int(self._settings[10]) & 1, self._parser.work_offset
        steps = self._settings.axis(100)
        x, y, z = (round(at * per) / per for at, per in zip(now.position, steps, strict=True))
        work = (x - offset[0], y - offset[1], z - offset[2])
        parts = [now.state, f"MPos:{self.vector((x, y, z))}" if machine else f"WPos:{self.vector(work)}"]
        if int(self._settings[10]) & 2:
            parts.append(f"Bf:{now.blocks},{now.bytes_free}")
        parts.append(f"FS:{self._rate(now.rate)},{now.speed:.0f}")
        if now.pins:
            parts.append(f"Pn:{now.pins}")
        busy = now.state.partition(":")[0] in _BUSY
        if self._due("offset_in", 29 if busy else 9):
            parts.append(f"WCO:{self.vector(offset)}")
            self.overrides_in = max(self.overrides_in, 1)
        if self._due("overrides_in", 19 if busy else 9):
            parts.append("Ov:" + ",".join(map(str, now.overrides)))
            if now.accessories:
                parts.append(f"A:{now.accessories}")
        return f"<{'|'.join(parts)}>"

    def parameters(self, probed: Vector, found: bool) -> list[str]:
        """What `$#` prints."""
        lines = [f"[{name}:{self.vector(value)}]" for name, value in self._parser.stored.items()]
        lines.append(f"[G92:{self.vector(self._parser.offset)}]")
        lines.append(f"[TLO:{self._length(self._parser.tool_length)}]")
        return [*lines, f"[PRB:{self.vector(probed)}:{int(found)}]"]

    def modes(self) -> str:
        """What `$G` prints."""
        modal = self._parser.modal
        coolant = " ".join(code for code, on in (("M7", modal.mist), ("M8", modal.flood)) if on) or "M9"
        modes = f"{modal.motion} {modal.coordinates} {modal.plane} {modal.units} {modal.distance} {modal.feed_mode}"
        values = f"T{modal.tool} F{self._rate(modal.feed)} S{modal.speed:.0f}"
        return f"[GC:{modes} {modal.spindle} {coolant} {values}]"

    def vector(self, value: Vector) -> str:
        """`0.000,0.000,0.000`."""
        return ",".join(map(self._length, value))

    def _length(self, value: float) -> str:
        text = f"{value / MM_PER_INCH:.4f}" if self._settings.on(13) else f"{value:.3f}"
        return text.removeprefix("-") if float(text) == 0 else text

    def _rate(self, value: float) -> str:
        return f"{value / MM_PER_INCH:.1f}" if self._settings.on(13) else f"{value:.0f}"

    def _due(self, counter: str, again: int) -> bool:
        left: int = getattr(self, counter)
        setattr(self, counter, left - 1 if left > 0 else again)
        return left <= 0


def pins(position: Vector, pressed: Callable[[int, float], bool]) -> str:
    """The letters of the limit switches that are pressed."""
    return "".join(AXES[n] for n in range(3) if pressed(n, position[n]))
