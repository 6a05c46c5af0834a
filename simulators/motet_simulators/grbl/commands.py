"""The `$` commands of a simulated Grbl controller (Grbl v1.1 wiki, "Grbl v1.1 Commands")."""

import re
from collections.abc import Callable
from typing import Protocol

from motet_simulators.grbl.core import Core
from motet_simulators.grbl.report import HELP, Reports
from motet_simulators.grbl.settings import DEFAULTS

BAD_NUMBER, INVALID, HOMING_DISABLED, NOT_IDLE = 2, 3, 5, 8
_SETTING = re.compile(r"\$(\d*\.?\d*)=(.*)")
_STARTUP = re.compile(r"\$N([01])=(.*)")


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
        """The answer to a command; `+reset` behind it means that the controller starts anew."""
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
            case _:
                if self._core.state not in ("Idle", "Alarm"):
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
                self._say("[MSG:Sleeping]")
            case _:
                return self._store(line)
        return "ok"

    def _store(self, line: str) -> str:
        if line.startswith("$I="):
            self._name = line[3:]
            return "ok"
        if line in ("$RST=$", "$RST=#", "$RST=*"):
            return self._restore(line[-1])
        startup = _STARTUP.fullmatch(line)
        if startup:
            if self._core.state != "Idle":
                return f"error:{NOT_IDLE}"
            self.startup[int(startup[1])] = startup[2]
            return "ok"
        setting = _SETTING.fullmatch(line)
        if setting is None:
            return f"error:{INVALID if '=' in line or not line[1:2].isdigit() else BAD_NUMBER}"
        return self._set(setting[1], setting[2])

    def _set(self, number: str, value: str) -> str:
        try:
            code = self._core.settings.store(float(number), float(value))
        except ValueError:
            return f"error:{BAD_NUMBER}"
        return f"error:{code}" if code else "ok"

    def _restore(self, what: str) -> str:
        if what in "$*":
            for number, value in DEFAULTS.items():
                self._core.settings.store(number, value)
        if what in "#*":
            self._core.parser.stored |= dict.fromkeys(self._core.parser.stored, (0.0, 0.0, 0.0))
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
