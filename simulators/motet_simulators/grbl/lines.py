"""What a simulated Grbl controller has received: the buffer of 128 bytes, lines, and bytes that override."""

from collections import deque

from motet_simulators.grbl.core import Core

RX_BUFFER, LINE_LENGTH = 128, 79
_FEED = {0x91: 10, 0x92: -10, 0x93: 1, 0x94: -1}
_RAPID = {0x95: 100, 0x96: 50, 0x97: 25}
_SPINDLE = {0x9A: 10, 0x9B: -10, 0x9C: 1, 0x9D: -1}


class Lines:
    """Bytes until they are lines; those that find no place are lost, as in the controller's own buffer."""

    def __init__(self) -> None:
        self._waiting = deque[int]()
        self._line = self._comment = ""

    @property
    def free(self) -> int:
        """Places in the buffer."""
        return RX_BUFFER - len(self._waiting)

    def add(self, byte: int) -> bool:
        """One byte; whether it ended a line."""
        if self.free:
            self._waiting.append(byte)
        return byte in b"\r\n"

    def clear(self) -> None:
        """Forget everything."""
        self._waiting.clear()
        self._line = self._comment = ""

    def take(self) -> str | None:
        """The next whole line, without spaces and comments, in capitals; None without one."""
        while self._waiting:
            character = chr(self._waiting.popleft())
            if character in "\r\n":
                line, self._line, self._comment = self._line, "", ""
                return line
            self._take(character)
        return None

    def _take(self, character: str) -> None:
        if self._comment:
            if self._comment == "(" and character == ")":
                self._comment = ""
        elif character in "(;":
            self._comment = character
        elif character > " " and character != "/":
            self._line += character.upper()


def override(core: Core, byte: int, now: float) -> None:
    """What a byte from 0x90 on changes: feed, rapids, spindle speed, coolant."""
    planner = core.machine.planner
    before = (planner.feed_override, planner.rapid_override, core.speed_override, core.mist, core.flood)
    if byte == 0x90 or byte in _FEED:
        planner.feed_override = _limited(planner.feed_override + _FEED[byte]) if byte in _FEED else 100
    elif byte in _RAPID:
        planner.rapid_override = _RAPID[byte]
    elif byte == 0x99 or byte in _SPINDLE:
        core.speed_override = _limited(core.speed_override + _SPINDLE[byte]) if byte in _SPINDLE else 100
    elif byte == 0xA0 and core.state in ("Idle", "Run", "Hold", "Jog"):
        core.flood = not core.flood
    elif byte == 0xA1 and core.state in ("Idle", "Run", "Hold", "Jog"):
        core.mist = not core.mist
    if before != (planner.feed_override, planner.rapid_override, core.speed_override, core.mist, core.flood):
        core.changed = True
        core.moved()
        planner.replan(now)
        core.moved()


def _limited(percent: int) -> int:
    return min(200, max(10, percent))
