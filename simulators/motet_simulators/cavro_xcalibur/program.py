"""What a simulated Cavro pump does with a command string: one command after the other, each in its time.

Commands and their ranges are those of the Cavro XLP 6000 operating manual (734237-C, section 3.3, pp. 3-21 to 3-45) and
of the XP 3000's (725730C, pp. 3-22 to 3-40), with the XCalibur's stroke of 3000 increments. Errors are reported as in
their sections on error codes (pp. 3-47 to 3-50; 3-43 to 3-46): an invalid command at once and nothing is done; an
operand out of range when its turn comes, and what follows is dropped; a plunger overload until the next initialization.
"""

import math
from collections.abc import Callable

from motet_simulators.cavro_xcalibur.commands import (
    FINE,
    INITIALIZE,
    MOVES,
    RANGES,
    SCALED,
    SPEEDS,
    VALVE,
    Error,
    Failed,
    Token,
    within,
)
from motet_simulators.cavro_xcalibur.syringe import SPEED_CODES, STROKE, Speeds, Syringe, move
from motet_simulators.motion import Trajectory, rest

VALVE_S, INSTANT_S = 0.25, 0.001
INITIALIZATION_SPEED, INITIALIZATION_EXTRA_S = 500.0, 1.0
"""pulses/s, s; a force code from 10 on is a speed code."""


class Machine:
    """Plunger, valve and the command string that is being executed."""

    def __init__(
        self,
        syringe: Syringe,
        increments: int,
        valve_ports: int,
        draw_error: Callable[[], float],
        fails: Callable[[], str],
    ) -> None:
        self.syringe = syringe
        self.speeds = Speeds()
        self.mode = 0
        self.backlash, self.gap = 12, 20
        self.valve = "?"
        self.initialized = False
        self.overloaded = False
        self.error = Error.NONE
        self.counts = dict.fromkeys(("initializations", "plunger", "valve", "valve_since"), 0)
        self.busy = False
        self.moving_quietly = False
        self.trajectory: Trajectory = rest(0.0)
        self._increments = increments
        self._valve_ports = valve_ports
        self._draw_error = draw_error
        self._fails = fails
        self._tokens: list[Token] = []
        self._at = 0
        self._loops: list[list[int]] = []
        self._until = 0.0
        self._then: Callable[[], None] | None = None
        self._seen = 0.0
        self._turning = False
        self._home = "i"

    @property
    def scale(self) -> int:
        """Increments as they are counted now, in one."""
        return 1 if self.mode == 0 else FINE

    @property
    def full(self) -> int:
        """The whole stroke, as increments are counted now."""
        return self._increments * self.scale

    @property
    def unfinished(self) -> bool:
        """Whether commands of the string are left."""
        return self._at < len(self._tokens)

    def position(self, now: float) -> int:
        """Of the plunger, as increments are counted now."""
        return round(self.trajectory.position(now) / STROKE * self.full)

    def start(self, now: float, tokens: list[Token]) -> None:
        """Execute commands. Raises Failed for what is refused at once."""
        if not self.initialized and any(token.name in MOVES + VALVE for token in tokens):
            first = next((token.name for token in tokens if token.name in INITIALIZE + MOVES + VALVE), "")
            if first not in INITIALIZE:
                self.error = Error.PLUNGER_OVERLOAD if self.overloaded else Error.NOT_INITIALIZED
                raise Failed(self.error)
        self._tokens, self._at = tokens, 0
        self._loops.clear()
        self.resume(now)

    def resume(self, now: float) -> None:
        """Go on with what is left of the string: after a halt or a termination."""
        self.error = Error.NONE
        self.busy, self._until, self._then = True, now, None
        self.advance(now)

    def terminate(self, now: float) -> None:
        """Stop the plunger, delays and loops at once; a valve on its way arrives."""
        self.advance(now)
        if self._turning:
            del self._tokens[self._at :]
            return
        if self._then == self._initialization_done:
            self.error = Error.INITIALIZATION
        self.trajectory = rest(self.trajectory.position(now))
        self.busy, self._then = False, None

    def change_speed(self, now: float, top: int) -> None:
        """The top speed, at once: also of a move under way."""
        self.speeds.set_top(self._speed(Token("V", (top,))))
        if self.trajectory.end > now and self._then is None:
            steady = Speeds(self.speeds.top, self.speeds.top, self.speeds.top, self.speeds.slope)
            self.trajectory = move(now, self.trajectory.position(now), self.trajectory.final, steady)
            self._until = self.trajectory.end

    def next_event(self, now: float) -> float:
        """How long until the command under way is done, s; infinite when none is."""
        return max(0.0, self._until - now) if self.busy else math.inf

    def advance(self, now: float) -> None:
        """Let time pass, with all that happens meanwhile."""
        while self.busy and self._until <= now:
            at = self._until
            self._flow(at)
            if self._then is not None:
                then, self._then = self._then, None
                then()
            if not self.busy:
                break
            if not self.unfinished:
                self.busy = self._turning = False
                break
            token = self._tokens[self._at]
            self._at += 1
            self._turning = token.name in VALVE
            try:
                self._until = at + max(INSTANT_S, self._begin(token, at))
            except Failed as failed:
                self._fail(failed.error)
        self._flow(now)

    def _flow(self, now: float) -> None:
        """What the plunger has displaced since it was looked at last flows through the valve."""
        position = self.trajectory.position(now)
        if position != self._seen:
            self.syringe.move(position - self._seen, self.valve)
            self._seen = position

    def _fail(self, error: Error) -> None:
        self.error = error
        self.busy = False
        self._at = len(self._tokens)
        if error in (Error.PLUNGER_OVERLOAD, Error.VALVE_OVERLOAD):
            self.overloaded, self.initialized = True, False

    def _begin(self, token: Token, now: float) -> float:
        """Begin a command; how long it takes, s."""
        name = token.name
        if name in MOVES:
            return self._move(token, now)
        if name in VALVE:
            return self._turn(token)
        if name in INITIALIZE:
            return self._initialize(token, now)
        if name in "gG":
            self._loop(token)
        elif name == "M":
            return within(token.operand(5), RANGES["M"]) / 1000
        elif name == "H":
            within(token.operand(0), RANGES["H"])
            self.busy = False
        else:
            self._set(token)
        return 0.0

    def _move(self, token: Token, now: float) -> float:
        if self.valve in "be":
            raise Failed(Error.MOVE_NOT_ALLOWED)
        amount, here = token.operand(0), self.position(now)
        target = {"A": amount, "P": here + amount, "D": here - amount}[token.name.upper()]
        within(target, (0, self.full))
        origin, goal = self.trajectory.position(now), target / self.full * STROKE
        self.moving_quietly = token.name.islower()
        failure = self._fails() if target != here else ""
        if failure == "stuck":
            raise Failed(Error.PLUNGER_OVERLOAD)
        if failure == "stall":
            goal = (origin + goal) / 2
            self._then = self._overload
        self.syringe.accuracy = self._draw_error()
        self.counts["plunger"] += 1
        self.trajectory = move(now, origin, goal, self.speeds)
        return self.trajectory.end - now

    def _overload(self) -> None:
        self._fail(Error.PLUNGER_OVERLOAD)

    def _turn(self, token: Token) -> float:
        if self._valve_ports:
            if token.name in "BE":
                raise Failed(Error.INVALID_OPERAND)
            default = 1 if token.name == "I" else self._valve_ports
            target = str(within(token.operand(default), (1, self._valve_ports)))
        elif token.operands:
            raise Failed(Error.INVALID_OPERAND)
        else:
            target = token.name.lower()
        if target == self.valve:
            return 0.0
        self.counts["valve"] += 1
        self.counts["valve_since"] += 1
        self.valve = target
        return VALVE_S

    def _initialize(self, token: Token, now: float) -> float:
        """The plunger goes up and empties the syringe to the output; the valve ends at the input."""
        force = token.operand(0)
        if force > 2:
            within(force, (10, 40))
        self.error, self.initialized = Error.NONE, False
        speed = SPEED_CODES[force] if force >= 10 else INITIALIZATION_SPEED
        if self._valve_ports:
            ends = (0, self._valve_ports)
            outlet = str(within(token.operand(0, 2), ends) or self._valve_ports)
            self._home = str(within(token.operand(0, 1), ends) or 1)
        else:
            outlet, self._home = "o", "i"
        if token.name in "ZY":
            self.valve = outlet
        self._then = self._initialization_done
        if token.name == "w":
            return VALVE_S
        self.trajectory = move(now, self.trajectory.position(now), 0.0, Speeds(speed, speed, speed))
        return max(0.0, self.trajectory.end - now) + INITIALIZATION_EXTRA_S

    def _initialization_done(self) -> None:
        self.valve = self._home
        self.initialized, self.overloaded = True, False
        self.counts["initializations"] += 1

    def _loop(self, token: Token) -> None:
        if token.name == "g":
            self._loops.append([self._at, 0])
            return
        times = within(token.operand(0), RANGES["G"])
        if not self._loops:
            self._loops.append([0, 0])
        loop = self._loops[-1]
        loop[1] += 1
        if times == 0 or loop[1] < times:
            self._at = loop[0]
        else:
            self._loops.pop()

    def _set(self, token: Token) -> None:
        value = token.operand(0)
        match token.name:
            case "N":
                self.mode = within(value, RANGES["N"])
            case "V":
                self.speeds.set_top(self._speed(token))
            case "v":
                self.speeds.start = min(self.speeds.top, self._speed(token))
            case "c":
                self.speeds.cutoff = min(self.speeds.top, self._speed(token))
            case "S":
                self.speeds.set_top(SPEED_CODES[within(value, RANGES["S"])])
            case "L":
                self.speeds.slope = within(value, RANGES["L"])
            case "K":
                self.backlash = within(value, self._scaled("K"))
            case "k":
                self.gap = within(value, self._scaled("k"))
            case _:
                pass  # outputs, user data, EEPROM: nothing that shows

    def _speed(self, token: Token) -> float:
        """In pulses/s; in mode N2 it is told in fine ones."""
        fine = FINE if self.mode == 2 else 1
        low, high = SPEEDS[token.name]
        return within(token.operand(0), (low, high * fine)) / fine

    def _scaled(self, name: str) -> tuple[int, int]:
        low, high = SCALED[name]
        return low * self.scale, high * self.scale
