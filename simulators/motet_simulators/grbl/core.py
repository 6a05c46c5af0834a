"""The state machine of a simulated Grbl controller: states, holds, alarms, resets, and lines that take their time.

Source: Grbl v1.1 wiki, "Grbl v1.1 Interface" (machine states, real-time commands, alarms); for what is kept and what is
lost at a soft reset, and which requests are not answered meanwhile, the behaviour of Grbl 1.1h. A line is a generator
that yields as long as it has to wait: for a place in the planner, for motion to end, for a dwell.
"""

from collections.abc import Callable, Generator
from typing import Literal

from motet_simulators.grbl.machine import Machine
from motet_simulators.grbl.parser import Action, Parser
from motet_simulators.grbl.planner import MOST_BLOCKS, Vector, block
from motet_simulators.grbl.settings import Settings

State = Literal["Idle", "Run", "Hold", "Jog", "Alarm", "Door", "Check", "Home", "Sleep"]
HARD_LIMIT, SOFT_LIMIT, ABORTED, PROBE_STATE, PROBE_NOTHING, HOMING_RESET = 1, 2, 3, 4, 5, 6
Waiting = Generator[None, None, str]
"""A line that is being carried out; what it gives back is its answer, "" for none."""


class Core:
    """What a controller is doing. `say` prints a line, `moved` tells the world, `now` is the clock."""

    def __init__(
        self, settings: Settings, machine: Machine, say: Callable[[str], None], now: Callable[[], float]
    ) -> None:
        self.settings, self.machine = settings, machine
        self.parser = Parser(arc_tolerance=settings[12])
        self.state: State = "Alarm" if settings.on(22) else "Idle"
        self.moved: Callable[[], None] = _nobody
        self.critical = False
        """Whether it waits for a reset and takes nothing else."""
        self.owes_answer = False
        """Whether a line that led out of the soft limits is still to be answered."""
        self.speed_override = 100
        self.spindle, self.speed, self.mist, self.flood = "M5", 0.0, False, False
        self.probed: tuple[Vector, bool] = ((0.0, 0.0, 0.0), False)
        self.changed = False
        """Whether overrides or accessories have changed since they were last asked for."""
        self._say, self._now = say, now
        self._cancelling = self._out_of_range = False
        self._planned: Vector = (0.0, 0.0, 0.0)
        self._dwell_until = 0.0
        self._stall_at: float | None = None

    @property
    def shown(self) -> str:
        """The state as it is reported."""
        complete = self.machine.planner.next_end is None
        if self._cancelling:
            return "Jog"
        if self.state in ("Hold", "Door"):
            return f"{self.state}:{0 if complete else 1 if self.state == 'Hold' else 2}"
        return self.state

    @property
    def suspended(self) -> bool:
        """Whether lines have to wait."""
        return self.critical or self._cancelling or self.state in ("Hold", "Door", "Sleep", "Home")

    @property
    def moving(self) -> bool:
        """Whether an axis moves."""
        return self.machine.planner.next_end is not None or self.machine.homing is not None

    def next_event(self) -> float | None:
        """When something changes by itself; None when nothing does."""
        times = [self.machine.planner.next_end, self._stall_at]
        if self.machine.homing is not None:
            times.append(self.machine.homing.end)
        if self._dwell_until > self._now():
            times.append(self._dwell_until)
        if self.settings.on(21):
            times.append(self.machine.hits())
        return min((time for time in times if time is not None), default=None)

    def update(self) -> str:
        """Catch up with the clock; the answer to a homing cycle that has ended, "" without one."""
        now, planner = self._now() + 1e-9, self.machine.planner
        hit = self.machine.hits() if self.settings.on(21) else None
        if any(time is not None and now >= time for time in (hit, self._stall_at)):
            self._hard_limit()
            return ""
        if self.machine.homing is not None and now >= self.machine.homing.end:
            return self._homed()
        planner.catch_up(now)
        if planner.next_end is None and (self.state in ("Run", "Jog") or self._cancelling or self._out_of_range):
            self._come_to_rest()
        return ""

    def run(self, actions: list[Action], *, jog: bool = False) -> Waiting:
        """Do what a line says; its answer."""
        for action in actions:
            if self.state == "Check":
                continue
            match action.kind:
                case "line":
                    if not (yield from self._lines(action, jog=jog)):
                        return ""
                case "dwell":
                    yield from self._synchronise()
                    self._dwell_until = self._now() + action.seconds
                    while self._now() < self._dwell_until - 1e-9:
                        yield
                case "probe":
                    yield from self._probe(action)
                case _:
                    yield from self._synchronise()
                    self._switch(action.kind)
                    while self.state == "Hold":
                        yield
        return "ok"

    def hold(self, *, door: bool = False) -> None:
        """Feed hold, or an opened door."""
        if self.state in ("Alarm", "Check", "Sleep", "Home") or self.critical:
            return
        if door:
            self._say("[MSG:Check Door]")
        if self.state in ("Run", "Jog"):
            self.moved()
            self.machine.planner.hold(self._now())
        if self.state == "Jog":
            self._cancelling = True
        elif self.state != "Door":
            self.state = "Door" if door else "Hold"
            self.machine.planner.holding = True

    def cancel_jog(self) -> None:
        """Brake and forget the jogs that were asked for."""
        if self.state == "Jog":
            self.hold()

    def resume(self) -> None:
        """Cycle start."""
        planner = self.machine.planner
        if self.state in ("Hold", "Door") and planner.next_end is None:
            self.moved()
            planner.resume(self._now())
            self.state = "Run" if len(planner) else "Idle"
            self.moved()

    def home(self, *, stuck: bool) -> None:
        """Begin a homing cycle."""
        self.moved()
        self.state = "Home"
        self.machine.home(self._now(), stuck=stuck)
        self.moved()

    def reset(self) -> int:
        """Soft reset: what moves stops dead. The alarm that this gives, 0 for none."""
        alarm, now = 0, self._now()
        self.moved()
        if self.state == "Home":
            self.machine.homed(now)
            alarm = HOMING_RESET
        elif self.machine.planner.next_end is not None:
            alarm = ABORTED
        locked = bool(alarm) or self.state in ("Alarm", "Sleep")
        self.machine.planner.flush(now)
        self.machine.rests(now)
        self.moved()
        self.state = "Alarm" if locked else "Idle"
        self._planned = self.machine.to_steps(now)
        self.parser.reset(self._planned)
        self.parser.arc_tolerance = self.settings[12]
        planner = self.machine.planner
        planner.feed_override, planner.rapid_override, self.speed_override = 100, 100, 100
        self.spindle, self.speed, self.mist, self.flood = "M5", 0.0, False, False
        self.critical = self.owes_answer = self._cancelling = self._out_of_range = False
        self._dwell_until, self._stall_at = 0.0, None
        return alarm

    def within_travel(self, target: Vector) -> bool:
        """Whether a point is within the soft limits."""
        return all(low <= at <= high for at, low, high in zip(target, *self.machine.ends, strict=True))

    def stall(self) -> None:
        """Half-way along what is planned now, something makes a limit switch close."""
        upcoming = self.machine.planner.upcoming()
        if upcoming:
            self._stall_at = (self._now() + upcoming[-1][1].end) / 2

    def _lines(self, action: Action, *, jog: bool) -> Generator[None, None, bool]:
        """Plan the ways of an action; False when its target is out of range and all is over."""
        planner = self.machine.planner
        for target in action.targets:
            if self.settings.on(20) and not jog and not self.within_travel(target):
                self._out_of_range = self.owes_answer = True
                if self.state == "Run":
                    self.moved()
                    planner.hold(self._now())
                self.update()
                return False
            while len(planner) >= MOST_BLOCKS:
                yield
            if target == self._planned:
                continue
            planner.deviation = self.settings[11]
            self.moved()
            way = block(self._planned, target, action.feed, self.settings.axis(110), self.settings.axis(120))
            planner.add(self._now(), way)
            self._planned, self.state = target, "Jog" if jog else "Run"
            self.moved()
        return True

    def _synchronise(self) -> Generator[None]:
        while self.machine.planner.next_end is not None:
            yield

    def _probe(self, action: Action) -> Generator[None]:
        """There is nothing to be touched: the probe arrives where it was sent."""
        yield from self._synchronise()
        if action.probe in ("G38.4", "G38.5"):  # away from contact, and there is none to begin with
            self._alarm(PROBE_STATE)
            return
        yield from self._lines(action, jog=False)
        yield from self._synchronise()
        self.probed = (self.machine.counted(self._now()), False)
        if action.probe == "G38.2":
            self._alarm(PROBE_NOTHING)
        self._say(f"[PRB:{','.join(f'{at:.3f}' for at in self.probed[0])}:0]")

    def _switch(self, kind: str) -> None:
        modal = self.parser.modal
        if kind == "pause":
            self.hold()
            return
        if kind == "end":
            self._say("[MSG:Pgm End]")
        self.spindle, self.speed = modal.spindle, modal.speed if modal.spindle != "M5" else 0.0
        self.mist, self.flood = modal.mist, modal.flood
        self.changed = True

    def _come_to_rest(self) -> None:
        now = self._now()
        self.machine.rests(now)
        self.moved()
        if self._cancelling:
            self.machine.planner.flush(now)
            self._planned = self.parser.position = self.machine.to_steps(now)
            self._cancelling = False
        self.state = "Idle"
        if self._out_of_range:
            self._out_of_range, self.critical = False, True
            self._alarm(SOFT_LIMIT)

    def _hard_limit(self) -> None:
        now, self._stall_at = self._now(), None
        self.moved()
        self.machine.planner.flush(now)
        self.machine.rests(now)
        self.moved()
        self._cancelling, self.critical = False, True
        self._alarm(HARD_LIMIT)

    def _alarm(self, number: int) -> None:
        self.state = "Alarm"
        self._say(f"ALARM:{number}")
        if number in (HARD_LIMIT, SOFT_LIMIT):
            self._say("[MSG:Reset to continue]")

    def _homed(self) -> str:
        self.moved()
        alarm = self.machine.homed(self._now())
        self.moved()
        if alarm:
            self._alarm(alarm)
            return "ok+reset"
        self.state = "Idle"
        self._planned = self.parser.position = self.machine.counted(self._now())
        return "ok"


def _nobody() -> None:
    """Without a world there is nobody to be told."""
