"""The G-code parser of a simulated Grbl controller: modal state, checks in Grbl's order, and what is to be done.

Source: Grbl v1.1 wiki, "Grbl v1.1 Commands" and the table of error codes; for what the wiki leaves open (order of the
checks, rounding of arcs, what M2 and M30 reset) the behaviour of Grbl 1.1h. Positions are in mm of the machine.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from motet_simulators.grbl import words as words_of
from motet_simulators.grbl.arcs import arc
from motet_simulators.grbl.planner import Vector
from motet_simulators.grbl.words import GcodeError, Words, read

MM_PER_INCH = 25.4
ZERO: Vector = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Modal:
    """Modes that stay from line to line."""

    motion: str = "G0"
    coordinates: str = "G54"
    plane: str = "G17"
    units: str = "G21"
    distance: str = "G90"
    feed_mode: str = "G94"
    spindle: str = "M5"
    mist: bool = False
    flood: bool = False
    tool: int = 0
    feed: float = 0.0
    """mm/min."""
    speed: float = 0.0


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a line does. `targets` in mm, `feed` in mm/min, None for a rapid motion."""

    kind: Literal["line", "dwell", "spindle", "coolant", "probe", "pause", "end"]
    targets: Sequence[Vector] = ()
    feed: float | None = None
    seconds: float = 0.0
    probe: str = ""


@dataclass
class Parser:
    """What the controller remembers between lines. `stored` survives a reset: G54 to G59, G28, G30."""

    stored: dict[str, Vector] = field(default_factory=dict[str, Vector])
    modal: Modal = Modal()
    position: Vector = ZERO
    offset: Vector = ZERO
    tool_length: float = 0.0
    arc_tolerance: float = 0.002
    offsets_changed: bool = False

    def __post_init__(self) -> None:
        for name in ("G54", "G55", "G56", "G57", "G58", "G59", "G28", "G30"):
            self.stored.setdefault(name, ZERO)

    @property
    def work_offset(self) -> Vector:
        """Machine position of the work's zero."""
        return self._work_offset(self.modal.coordinates)

    def reset(self, position: Vector) -> None:
        """As after a soft reset."""
        self.modal, self.position, self.offset, self.tool_length = Modal(), position, ZERO, 0.0

    def run(self, line: str, *, jog: bool = False) -> list[Action]:
        """Take a line in; what it does. Raises GcodeError and changes nothing when it is wrong."""
        words = read(line)
        modal = self._modal(words, jog)
        once = words.commands.get("once", "")
        axis_command = words.axis_command or (modal.motion if words.axes else "")
        if "N" in words.values and words.values["N"] > 10_000_000:
            raise GcodeError(words_of.LINE_NUMBER)
        self._check_once(words, once, modal)
        factor = MM_PER_INCH if modal.units == "G20" else 1.0
        target = self._target(words, once, modal, factor)
        motion = self._motion(words, once, modal, target, factor, axis_command)
        words.use("NFSTXYZ" if axis_command or once in ("G10", "G92") else "NFST")
        if jog:
            if words.commands.keys() - {"distance", "units", "once"} or once not in ("", "G53"):
                raise GcodeError(words_of.JOG_INVALID)
            words.unused |= {"S", "T"} & words.values.keys()
        if words.unused:
            raise GcodeError(words_of.UNUSED)
        if jog:
            self.position = target
            return motion
        return self._do(words, once, modal, target, motion, factor)

    def _modal(self, words: Words, jog: bool) -> Modal:
        """The modes as this line sets them; feed and speed too. Raises GcodeError for a missing feed."""
        commands, values, old = words.commands, words.values, self.modal
        coolant = commands.get("coolant")
        modal = replace(
            old,
            motion="G1" if jog else commands.get("motion", old.motion),
            coordinates=commands.get("coordinates", old.coordinates),
            plane=commands.get("plane", old.plane),
            units=commands.get("units", old.units),
            distance=commands.get("distance", old.distance),
            feed_mode="G94" if jog else commands.get("feed", old.feed_mode),
            spindle=commands.get("spindle", old.spindle),
            mist=coolant == "M7" or (old.mist and coolant != "M9"),
            flood=coolant == "M8" or (old.flood and coolant != "M9"),
            tool=int(values.get("T", old.tool)),
            speed=values.get("S", old.speed),
        )
        if jog and "F" not in values:
            raise GcodeError(words_of.NO_FEED)
        factor = MM_PER_INCH if modal.units == "G20" and modal.feed_mode == "G94" else 1.0
        kept = old.feed if modal.feed_mode == old.feed_mode == "G94" else 0.0
        return replace(modal, feed=values["F"] * factor if "F" in values else kept)

    def _check_once(self, words: Words, once: str, modal: Modal) -> None:
        if once == "G4":
            if "P" not in words.values:
                raise GcodeError(words_of.VALUE_MISSING)
            words.use("P")
        if words.axis_command == "G43.1" and words.axes != "Z":
            raise GcodeError(words_of.TLO_AXIS)
        if once in ("G10", "G92") and not words.axes:
            raise GcodeError(words_of.NO_AXIS_WORDS)
        if once == "G10":
            self._check_g10(words)
        if once == "G53" and modal.motion not in ("G0", "G1"):
            raise GcodeError(words_of.G53_MODE)

    def _check_g10(self, words: Words) -> None:
        values = words.values
        if "P" not in values and "L" not in values:
            raise GcodeError(words_of.VALUE_MISSING)
        if int(values.get("P", 0)) > 6:
            raise GcodeError(words_of.COORDINATES)
        kind = int(values.get("L", 0))
        if kind not in (2, 20) or (kind == 2 and "R" in values):
            raise GcodeError(words_of.UNSUPPORTED)
        words.use("LP")

    def _target(self, words: Words, once: str, modal: Modal, factor: float) -> Vector:
        """Where the axis words lead; the position that it has where there is none."""
        if once in ("G10", "G92") or words.axis_command in ("G43.1", "G49"):
            return self.position
        target, offset = list(self.position), self._work_offset(modal.coordinates)
        for letter in words.axes:
            axis, value = "XYZ".index(letter), words.values[letter] * factor
            if once == "G53":
                target[axis] = value
            else:
                target[axis] = value + (offset[axis] if modal.distance == "G90" else self.position[axis])
        x, y, z = target
        return x, y, z

    def _motion(
        self, words: Words, once: str, modal: Modal, target: Vector, factor: float, axis_command: str
    ) -> list[Action]:
        if modal.motion == "G80":
            if words.axes:
                raise GcodeError(words_of.UNUSED_AXES)
            return []
        if once in ("G28", "G30"):
            home = self.stored[once]
            x, y, z = (home[n] if "XYZ"[n] in words.axes or not words.axes else self.position[n] for n in range(3))
            return [Action("line", (target, (x, y, z)) if words.axes else (home,))]
        if axis_command != modal.motion:
            return []
        if modal.motion == "G0":
            return [Action("line", (target,))] if words.axes else []
        if modal.feed == 0.0:
            raise GcodeError(words_of.NO_FEED)
        if modal.motion == "G1":
            return [Action("line", (target,), self._feed(modal, target))] if words.axes else []
        return self._curved_or_probing(words, modal, target, factor)

    def _curved_or_probing(self, words: Words, modal: Modal, target: Vector, factor: float) -> list[Action]:
        if not words.axes:
            raise GcodeError(words_of.NO_AXIS_WORDS)
        if modal.motion in ("G2", "G3"):
            clockwise = modal.motion == "G2"
            points = arc(words, modal.plane, self.position, target, factor, self.arc_tolerance, clockwise=clockwise)
            return [Action("line", points, modal.feed)]
        if target == self.position:
            raise GcodeError(words_of.BAD_TARGET)
        return [Action("probe", (target,), modal.feed, probe=modal.motion)]

    def _feed(self, modal: Modal, target: Vector) -> float:
        if modal.feed_mode == "G94":
            return modal.feed
        return modal.feed * math.dist(self.position, target)  # inverse time: so many a minute

    def _do(
        self, words: Words, once: str, modal: Modal, target: Vector, motion: list[Action], factor: float
    ) -> list[Action]:
        """The line is right: change what it changes; what is left to be done, in Grbl's order."""
        old, actions = self.modal, list[Action]()
        if modal.spindle != old.spindle or (modal.speed != old.speed and modal.spindle != "M5"):
            actions.append(Action("spindle"))
        if (modal.mist, modal.flood) != (old.mist, old.flood):
            actions.append(Action("coolant"))
        if once == "G4":
            actions.append(Action("dwell", seconds=words.values["P"]))
        self.modal = modal
        self._offsets(words, once, factor)
        actions += motion
        if motion:
            self.position = motion[-1].targets[-1]
        match words.commands.get("program"):
            case "M0":
                actions.append(Action("pause"))
            case "M2" | "M30":
                actions.append(Action("end"))
                kept = self.modal
                self.modal = Modal(motion="G1", units=kept.units, tool=kept.tool, feed=kept.feed, speed=kept.speed)
            case _:
                pass
        return actions

    def _offsets(self, words: Words, once: str, factor: float) -> None:
        before = self.work_offset
        given = {"XYZ".index(letter): words.values[letter] * factor for letter in words.axes}
        if once == "G10":
            number = int(words.values.get("P", 0))
            name = f"G{53 + number}" if number else self.modal.coordinates
            shift = self._plus(self.offset, (0.0, 0.0, self.tool_length))
            at_place = words.values["L"] == 20
            x, y, z = (
                (self.position[n] - shift[n] - given[n] if at_place else given[n])
                if n in given
                else self.stored[name][n]
                for n in range(3)
            )
            self.stored[name] = (x, y, z)
        elif once in ("G28.1", "G30.1"):
            self.stored[once[:3]] = self.position
        elif once == "G92":
            base = self._plus(self.stored[self.modal.coordinates], (0.0, 0.0, self.tool_length))
            x, y, z = (self.position[n] - base[n] - given[n] if n in given else self.offset[n] for n in range(3))
            self.offset = (x, y, z)
        elif once == "G92.1":
            self.offset = ZERO
        if words.axis_command in ("G43.1", "G49"):
            self.tool_length = given[2] if words.axis_command == "G43.1" else 0.0
        self.offsets_changed |= self.work_offset != before

    def _work_offset(self, coordinates: str) -> Vector:
        return self._plus(self._plus(self.stored[coordinates], self.offset), (0.0, 0.0, self.tool_length))

    @staticmethod
    def _plus(a: Vector, b: Vector) -> Vector:
        return a[0] + b[0], a[1] + b[1], a[2] + b[2]
