"""The `$` commands of a simulated Grbl controller (Grbl v1.1 wiki, "Grbl v1.1 Commands").

Which error a wrong one gives, in which order things are checked, is that of the firmware's grbl/system.c.
"""

import re
from collections.abc import Callable
from typing import Protocol

from motet_simulators.grbl.core import Core
from motet_simulators.grbl.report import HELP, Reports

BAD_NUMBER, INVALID, HOMING_DISABLED, NOT_IDLE = 2, 3, 5, 8
_SETTING = re.compile(r"\$(N?)([+-]?\d*\.?\d*)(=?)(.*)")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)")


class Named(Protocol):
    """What a controller says of itself."""

    version: str
    build: str
    serial_number: str


class Commands:
    """Answers to lines that begin with `$`, but for `$J=` and a `$H` that can be done."""

    def __init__(self, core: Core, reports: Reports, names: Named, say: Callable[[str], None]) -> None:
        self.startup = ["", ""]
        self._core, self._reports, self._say = core, reports, say
        self._version, self._build, self._name = names.version, names.build, names.serial_number

    def may_home(self) -> bool:
        """Whether `$H` is taken."""
        return self._core.settings.on(22) and self._core.state in ("Idle", "Alarm")

    def run(self, line: str) -> str:
        """The answer to a command; with `+reset` when the controller starts anew then, `+sleep` when it sleeps."""
        match line:
            case "$":
                self._say(HELP)
            case "$$":
                if self._core.state == "Run":
                    return f"error:{NOT_IDLE}"
                self._print(self._core.settings.lines())
            case "$G":
                self._say(self._reports.modes())
            case "$X":
                self._unlock()
            case "$C":
                return self._check_mode()
            case _ if line[1] in "$GXC" or (line[1] == "J" and self._core.state in ("Idle", "Jog")):
                return f"error:{INVALID}"
            case _:
                if line[1] == "J" or self._core.state not in ("Idle", "Alarm"):
                    return f"error:{NOT_IDLE}"
                return self._when_idle(line)
        return "ok"

    def _when_idle(self, line: str) -> str:
        match line:
            case "$#":
                self._print(self._reports.parameters(*self._core.probed))
            case "$I":
                self._say(f"[VER:{self._version}.{self._build}:{self._name}]")
                self._say("[OPT:VM,15,128]")
            case "$N":
                self._print([f"$N{number}={text}" for number, text in enumerate(self.startup)])
            case "$H":
                return f"error:{HOMING_DISABLED}"
            case "$SLP":
                self._core.state = "Sleep"
                return "ok+sleep"
            case _:
                return self._store(line)
        return "ok"

    def _store(self, line: str) -> str:
        if line.startswith("$I="):
            self._name = line[3:]
            return "ok"
        if line in ("$RST=$", "$RST=#", "$RST=*"):
            return self._restore(line[-1])
        if line[1] == "H" and not self._core.settings.on(22):
            return f"error:{HOMING_DISABLED}"
        if line[1] in "#HSIR":
            return f"error:{INVALID}"
        return self._store_value(line)

    def _store_value(self, line: str) -> str:
        """`$n=value`, and `$Nn=` with a line for the start."""
        setting = _SETTING.fullmatch(line)
        assert setting is not None
        startup, number, equals, value = setting.groups()
        if startup and self._core.state != "Idle":
            return f"error:{NOT_IDLE}"
        if not _NUMBER.fullmatch(number):
            return f"error:{BAD_NUMBER}"
        if not equals:
            return f"error:{INVALID}"
        if startup:
            return self._store_startup(int(float(number)), value)
        begun = _NUMBER.match(value)
        if begun is None or begun.end() < len(value):
            return f"error:{BAD_NUMBER if begun is None else INVALID}"
        code = self._core.settings.store(int(float(number)), float(value))
        return f"error:{code}" if code else "ok"

    def _store_startup(self, number: int, line: str) -> str:
        if number not in (0, 1):
            return f"error:{INVALID}"
        self.startup[number] = line
        return "ok"

    def _restore(self, what: str) -> str:
        if what in "$*":
            self._core.settings.restore()
        if what in "#*":
            self._core.parser.stored |= dict.fromkeys(self._core.parser.stored, (0.0, 0.0, 0.0))
        if what == "*":
            self.startup, self._name = ["", ""], ""
        self._say("[MSG:Restoring defaults]")
        self._core.reset()
        return "ok+reset"

    def _unlock(self) -> None:
        if self._core.state == "Alarm":
            self._core.state = "Idle"
            self._say("[MSG:Caution: Unlocked]")

    def _check_mode(self) -> str:
        if self._core.state == "Check":
            self._say("[MSG:Disabled]")
            self._core.reset()
            return "ok+reset"
        if self._core.state != "Idle":
            return f"error:{NOT_IDLE}"
        self._core.state = "Check"
        self._say("[MSG:Enabled]")
        return "ok"

    def _print(self, lines: list[str]) -> None:
        for line in lines:
            self._say(line)
